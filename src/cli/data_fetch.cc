// sft data fetch: datasets and benchmarks, from the hub to this machine.

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/bench_files.h"
#include "cli/data_command.h"
#include "cli/model_names.h"

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/resources.h"
#include "sft/core/table.h"
#include "sft/data/dataset_spec.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBench = "bench";
constexpr std::string_view kBenchPrefix = "bench/";

struct Listed {
  std::string name;
  std::string from;
  std::string license;
  std::string source;
};

std::vector<Listed> all_listed() {
  std::vector<Listed> list;
  for (const std::string& name : config_names("datasets")) {
    const DatasetSpec spec = load_dataset_spec(name);
    if (spec.hub) {
      list.push_back({name, spec.hub->dataset, spec.license, spec.source});
    }
  }
  for (const BenchSpec& spec : load_bench_specs()) {
    list.push_back({std::string(kBenchPrefix) + spec.name, spec.hub, spec.license, spec.source});
  }
  return list;
}

int print_list(const CommonOptions& common) {
  Json rows = Json::array();
  for (const Listed& row : all_listed()) {
    if (common.is_json) {
      rows.push_back({{"name", row.name},
                      {"from", row.from},
                      {"license", row.license},
                      {"source", row.source}});
    } else {
      fmt::print("{:<20}  {:<40}  {:<16}  {}\n", row.name, row.from, row.license, row.source);
    }
  }
  if (common.is_json) {
    fmt::print("{}", dump_json(rows, JsonLayout::kIndented));
  }
  return 0;
}

// One line a file that is there now.
class Fetched {
 public:
  explicit Fetched(const CommonOptions& common) : is_json_(common.is_json) {}

  void add(const std::string& name, const fs::path& path) {
    const auto bytes = static_cast<uint64_t>(fs::file_size(path));
    if (is_json_) {
      files_.push_back({{"name", name}, {"path", path.string()}, {"bytes", bytes}});
    } else {
      fmt::print("{}: {} ({})\n", name, path.string(), format_bytes(bytes));
    }
  }
  void finish() const {
    if (is_json_) {
      fmt::print("{}", dump_json(files_, JsonLayout::kIndented));
    }
  }

 private:
  bool is_json_;
  Json files_ = Json::array();
};

// Said before anything is downloaded.
void announce(const std::string& name, const std::string& license, const std::string& source) {
  spdlog::info("[data] {}: {}; licence {}", name, source, license);
}

void fetch_dataset_files(const std::string& name, const CommonOptions& common, Fetched& fetched) {
  const DatasetSpec spec = load_dataset_spec(name);
  if (!spec.hub) {
    throw UsageError(name + ": its files are on this machine; there is nothing to fetch");
  }
  announce(spec.name, spec.license.empty() ? "as its page says" : spec.license,
           spec.source.empty() ? spec.hub->dataset : spec.source);
  for (const DatasetFile& file : fetch_dataset(*spec.hub, common)) {
    fetched.add(spec.name, file.path);
  }
}

// `name`: "bench", all of them, or "bench/gsm8k".
void fetch_benchmarks(const std::string& name, const fs::path& folder, const CommonOptions& common,
                      Fetched& fetched) {
  std::vector<BenchSpec> specs = load_bench_specs();
  if (name != kBench) {
    const std::string one = name.substr(kBenchPrefix.size());
    specs = {find_entry(std::span<const BenchSpec>(specs), "benchmark", one)};
  }
  for (const BenchSpec& spec : specs) {
    announce(spec.name, spec.license, spec.source);
    for (const fs::path& path : fetch_bench(spec, folder, common)) {
      fetched.add(spec.name, path);
    }
    std::error_code error;
    for (const auto& [name, what] : spec.elsewhere) {
      if (!fs::exists(folder / name, error)) {
        spdlog::warn("[data] {} is on no hub: {}; put it there yourself", (folder / name).string(),
                     what);
      }
    }
  }
}

}  // namespace

int fetch_data(const DataFlags& flags, const CommonOptions& common) {
  if (flags.is_list) {
    return print_list(common);
  }
  if (flags.names.empty()) {
    throw UsageError("sft data fetch: name datasets, or bench; --list shows what there is");
  }
  Fetched fetched(common);
  for (const std::string& name : flags.names) {
    if (name == kBench || name.starts_with(kBenchPrefix)) {
      fetch_benchmarks(name, benchmark_folder(flags.data_dir), common, fetched);
    } else {
      fetch_dataset_files(name, common, fetched);
    }
  }
  fetched.finish();
  return 0;
}

}  // namespace sft
