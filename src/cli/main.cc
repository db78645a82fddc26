// The binary: parses the command line, runs one command, and turns what it throws into one line on
// stderr and an exit code (README.md, "Files and exit codes").

#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/process_settings.h"

#include "sft/core/error.h"
#include "sft/core/log.h"
#include "sft/core/one_line.h"
#include "sft/core/table.h"

namespace sft {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitStopped = 75;

void add_common_options(CLI::App& app, CommonOptions& common) {
  app.add_option("--set", common.overrides, "override a config key: key.path=value (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Common");
  app.add_option("--threads", common.threads, "threads to compute with [OMP_NUM_THREADS, or cores]")
      ->check(CLI::Range(1, 4096))
      ->group("Common");
  app.add_flag(
         "--offline", common.is_offline,
         "touch no network; models and data come from disk and the hub cache [HF_HUB_OFFLINE]")
      ->group("Common");
  app.add_flag("--quiet", common.is_quiet, "only warnings and errors on stderr")->group("Common");
  app.add_flag("--verbose", common.is_verbose, "details on stderr")->group("Common");
  app.add_flag("--json", common.is_json, "the result as JSON on stdout")->group("Common");
}

// To stderr, whether it takes it or not: there is nowhere else to say so.
void complain(const std::string& text) {
  std::fputs(("sft: " + one_line(text) + "\n").c_str(), stderr);
}

void print_faults(const UsageError& error) {
  for (const std::string& fault : error.faults()) {
    complain("error: " + fault);
  }
}

// Results that stdout did not take are lost, and the work with them.
void check_stdout() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw Error("stdout: the result could not be written; is the disk full, or the reader gone?");
  }
}

// CLI11 takes any unknown word for a stray argument; a command is more likely meant.
void prepare_command(int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') {
    return;
  }
  if (find_entry(commands(), "command", argv[1]).computes) {
    apply_process_settings(argv);
  }
}

void check_overrides(std::string_view command, const CommonOptions& common) {
  if (!common.overrides.empty() && !find_entry(commands(), "command", command).has_config) {
    throw UsageError("--set: `sft " + std::string(command) + "` reads no config to override");
  }
}

int run(int argc, char** argv) {
  prepare_command(argc, argv);
  CLI::App app(
      "sft fine-tunes language models, scores them, and carries grids of such runs to their end.",
      "sft");
  app.require_subcommand(1);
  app.set_version_flag("--version", "sft " SFT_VERSION);
  CommonOptions common;
  RunCommand chosen;
  std::vector<RunCommand> runs;
  for (const Command& command : commands()) {
    CLI::App* const sub =
        app.add_subcommand(std::string(command.name), std::string(command.summary));
    sub->footer("Example:\n  " + std::string(command.example));
    runs.push_back(command.define(*sub, common));
    add_common_options(*sub, common);
    sub->callback([&chosen, &runs, index = runs.size() - 1] { chosen = runs[index]; });
  }
  app.footer("`sft COMMAND --help` shows a command's flags with an example.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    throw UsageError(std::string(error.what()) + "; see sft --help");
  }
  check_overrides(argv[1], common);
  init_logging(common.is_quiet     ? LogLevel::kQuiet
               : common.is_verbose ? LogLevel::kVerbose
                                   : LogLevel::kNormal);
  apply_threads(common.threads);
  const int exit_code = chosen();
  check_stdout();
  return exit_code;
}

}  // namespace
}  // namespace sft

int main(int argc, char** argv) {
  try {
    return sft::run(argc, argv);
  } catch (const sft::UsageError& error) {
    sft::print_faults(error);
    return sft::kExitUsage;
  } catch (const sft::Interrupted& stop) {
    sft::complain(std::string("stopped: ") + stop.what());
    return sft::kExitStopped;
  } catch (const std::bad_alloc&) {
    sft::complain("error: out of memory; use smaller batches or a smaller model");
  } catch (const std::filesystem::filesystem_error& error) {
    sft::complain("error: " + error.path1().string() + ": " + error.code().message());
  } catch (const std::exception& error) {
    // LibTorch adds a backtrace behind the first line.
    const std::string_view text = error.what();
    sft::complain("error: " + std::string(text.substr(0, text.find('\n'))));
  }
  return sft::kExitFailed;
}
