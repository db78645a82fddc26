#include "cli/bench_files.h"

#include <cstdlib>

#include <fmt/format.h>

#include "cli/model_names.h"

#include "sft/core/config_node.h"
#include "sft/core/error.h"
#include "sft/core/resources.h"
#include "sft/data/row_reader.h"
#include "sft/io/jsonl.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

BenchSpec read_bench(const ConfigNode& root) {
  BenchSpec spec;
  for (const char* const key : {"name", "license", "source", "hub", "files"}) {
    root.require(key);
  }
  root.read("name", spec.name);
  root.read("license", spec.license);
  root.read("source", spec.source);
  root.read("hub", spec.hub);
  root.read("revision", spec.revision);
  const ConfigNode files = root.at("files");
  for (const std::string& name : files.keys()) {
    const ConfigNode node = files.at(name);
    BenchSpec::File file = {.name = name, .from = {}, .rows = 0};
    node.require("from");
    node.require("rows");
    node.read("from", file.from);
    node.read("rows", file.rows, {.min = 1});
    node.finish();
    spec.files.push_back(std::move(file));
  }
  root.finish();
  return spec;
}

void write_rows(const BenchSpec::File& file, const std::vector<DatasetFile>& parts,
                const fs::path& path) {
  JsonlWriter writer(path);
  int64_t rows = 0;
  for (const DatasetFile& part : parts) {
    const auto reader = open_rows(part.path, format_of(part.path));
    while (const auto row = reader->next()) {
      writer.write(row->value);
      ++rows;
    }
  }
  if (rows != file.rows) {
    throw Error(
        fmt::format("{}: {} rows on the hub, there must be {}; the repository has changed, "
                    "name a revision in configs/bench",
                    path.string(), rows, file.rows));
  }
  writer.commit();
}

}  // namespace

std::vector<BenchSpec> load_bench_specs() {
  std::vector<BenchSpec> specs;
  for (const std::string& name : config_names("bench")) {
    const ConfigNode root = ConfigNode::load(find_config("benchmark", "bench", name));
    specs.push_back(read_bench(root));
    root.check();
  }
  return specs;
}

std::vector<fs::path> fetch_bench(const BenchSpec& spec, const fs::path& folder,
                                  const CommonOptions& common) {
  std::vector<fs::path> made;
  for (const BenchSpec::File& file : spec.files) {
    const fs::path path = folder / file.name;
    std::error_code error;
    if (fs::exists(path, error)) {
      continue;
    }
    write_rows(
        file,
        fetch_dataset({.dataset = spec.hub, .revision = spec.revision, .files = file.from}, common),
        path);
    made.push_back(path);
  }
  return made;
}

fs::path benchmark_folder(const std::string& data_dir) {
  if (!data_dir.empty()) {
    return data_dir;
  }
  if (const char* const folder = std::getenv("SFT_DATA_DIR"); folder != nullptr) {
    return folder;
  }
  return sft_home() / "bench";
}

}  // namespace sft
