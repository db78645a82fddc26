#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace sft {

// What every command takes.
struct CommonOptions {
  std::vector<std::string> overrides;  // --set key.path=value
  int threads = 0;                     // --threads; 0: OMP_NUM_THREADS, else the machine's cores
  bool is_quiet = false;
  bool is_verbose = false;
  bool is_offline = false;  // --offline: no network
  bool is_json = false;     // a machine-readable result on stdout
};

// What a command does once its flags are read; returns the exit code (0, or 75 where a signal
// stopped it after saving). Errors are thrown.
using RunCommand = std::function<int()>;

// Declares a command's flags on `app` and returns what runs it. `common` outlives the run and is
// filled when it starts.
using DefineCommand = RunCommand (*)(CLI::App& app, const CommonOptions& common);

// A subcommand: one row, and one file <name>_command.cc that defines its function.
struct Command {
  std::string_view name;
  std::string_view summary;  // the line in `sft --help`
  std::string_view example;  // shown by `sft <name> --help`; works as typed
  DefineCommand define;
  bool computes = false;    // runs a model, so that the process is set up for it
  bool has_config = false;  // reads a config file, which --set overrides
};

}  // namespace sft
