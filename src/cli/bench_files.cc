#include "cli/bench_files.h"

#include <cstdlib>

#include <fmt/format.h>

#include "cli/model_names.h"

#include "sft/core/config_node.h"
#include "sft/core/error.h"
#include "sft/core/resources.h"
#include "sft/data/row_reader.h"
#include "sft/io/file.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

BenchSpec::File read_file_spec(const std::string& name, const ConfigNode& node) {
  BenchSpec::File file;
  file.name = name;
  node.require("from");
  node.read("from", file.from);
  node.read("copy", file.is_copy);
  if (file.is_copy) {
    if (file.from.size() != 1) {
      node.fault(fmt::format("'{}' is a copy, so it has one file in 'from'", name));
    }
  } else {
    node.require("rows");
    node.read("rows", file.rows, {.min = 1});
    file.columns = read_columns(node.at("columns"));
    file.lists = read_columns(node.at("lists"));
  }
  node.finish();
  return file;
}

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
    spec.files.push_back(read_file_spec(name, files.at(name)));
  }
  const ConfigNode elsewhere = root.at("elsewhere");
  for (const std::string& name : elsewhere.keys()) {
    BenchSpec::Absent& file = spec.elsewhere.emplace_back();
    file.name = name;
    elsewhere.read(name, file.what);
  }
  root.finish();
  return spec;
}

// Rows as JSON Lines, or as one array where the file's name ends in .json.
class RowWriter {
 public:
  explicit RowWriter(const fs::path& path) : file_(path), is_array_(path.extension() == ".json") {}

  void write(const Json& row) {
    if (is_array_) {
      file_.write(rows_ == 0 ? "[\n" : ",\n");
    }
    file_.write(dump_json(row, JsonLayout::kCompact));
    if (!is_array_) {
      file_.write("\n");
    }
    ++rows_;
  }
  void commit() {
    if (is_array_) {
      file_.write(rows_ == 0 ? "[]\n" : "\n]\n");
    }
    file_.commit();
  }
  int64_t rows() const { return rows_; }

 private:
  AtomicFile file_;
  bool is_array_;
  int64_t rows_ = 0;
};

// The row as the benchmark's file has it.
Json made_row(const BenchSpec::File& file, const Json& row, const std::string& where) {
  if (file.columns.empty() && file.lists.empty()) {
    return row;
  }
  Json made = Json::object();
  for (const Column& column : make_columns(file.columns, row, where)) {
    made[column.name] = column.text;
  }
  for (const ColumnSpec& list : file.lists) {
    made[list.name] = make_list(list, row, where);
  }
  return made;
}

void write_rows(const BenchSpec::File& file, const std::vector<DatasetFile>& parts,
                const fs::path& path) {
  RowWriter writer(path);
  for (const DatasetFile& part : parts) {
    const auto reader = open_rows(part.path, format_of(part.path));
    while (const auto row = reader->next()) {
      writer.write(made_row(file, row->value, row->where));
    }
  }
  if (writer.rows() != file.rows) {
    throw Error(
        fmt::format("{}: {} rows on the hub, there must be {}; the repository has changed, "
                    "name a revision in configs/bench",
                    path.string(), writer.rows(), file.rows));
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
    const std::vector<DatasetFile> parts =
        fetch_dataset({.dataset = spec.hub, .revision = spec.revision, .files = file.from}, common);
    if (file.is_copy) {
      write_copy(parts.front().path, path);
    } else {
      write_rows(file, parts, path);
    }
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
