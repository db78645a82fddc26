#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.h"

#include "sft/tasks/columns.h"

namespace sft {

// A benchmark's files, made out of a repository on the hub: configs/bench/<name>.yaml (see
// gsm8k.yaml for every key explained).
struct BenchSpec {
  struct File {
    std::string name;                 // under the benchmark folder
    std::vector<std::string> from;    // files of the repository, their rows one after another
    int64_t rows = 0;                 // that there must be
    bool is_copy = false;             // the one file of `from` byte for byte; `rows` is not counted
    std::vector<ColumnSpec> columns;  // texts, and
    std::vector<ColumnSpec> lists;    // lists of texts, to be written; both empty: rows as they are
  };
  // A file that is on no hub, and what it is.
  struct Absent {
    std::string name;
    std::string what;
  };
  std::string name;
  std::string license;
  std::string source;
  std::string hub;  // owner/name
  std::string revision = "main";
  std::vector<File> files;
  std::vector<Absent> elsewhere;
};

// All that are known, by name. Throws UsageError with all faults of a file.
std::vector<BenchSpec> load_bench_specs();

// Fetches those files of `spec` that are not in `folder` yet; each appears whole or not at all.
// Returns the new ones. Throws Error where a file has other rows than it must.
std::vector<std::filesystem::path> fetch_bench(const BenchSpec& spec,
                                               const std::filesystem::path& folder,
                                               const CommonOptions& common);

// --data-dir, else SFT_DATA_DIR, else $SFT_HOME/bench.
std::filesystem::path benchmark_folder(const std::string& data_dir);

}  // namespace sft
