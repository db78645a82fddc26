#include "sft/data/row_reader.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "data/csv_reader.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr std::array<std::pair<std::string_view, RowFormat>, 3> kExtensions = {{
    {".jsonl", RowFormat::kJsonl},
    {".json", RowFormat::kJson},
    {".csv", RowFormat::kCsv},
}};
constexpr std::array<std::string_view, 3> kLaterExtensions = {".gz", ".zst", ".parquet"};

class JsonlRows final : public RowReader {
 public:
  explicit JsonlRows(const std::filesystem::path& path) : reader_(path) {}
  std::optional<Row> next() override { return reader_.next(); }

 private:
  JsonlReader reader_;
};

// A JSON array of objects, read as a whole.
class JsonArrayRows final : public RowReader {
 public:
  explicit JsonArrayRows(const std::filesystem::path& path)
      : path_(path.string()), rows_(read_json(path)) {
    if (!rows_.is_array()) {
      throw Error(
          fmt::format("{}: holds {} {}, must be an array of objects (for one object a "
                      "line say 'format: jsonl' or name it .jsonl)",
                      path_, rows_.is_object() ? "an" : "a", rows_.type_name()));
    }
  }
  std::optional<Row> next() override {
    if (index_ == rows_.size()) {
      return std::nullopt;
    }
    Json value = std::move(rows_[index_]);
    ++index_;
    return Row{.value = std::move(value), .where = fmt::format("{}: row {}", path_, index_)};
  }

 private:
  std::string path_;
  Json rows_;
  size_t index_ = 0;
};

}  // namespace

RowFormat format_of(const std::filesystem::path& path) {
  const std::string extension = path.extension().string();
  for (const std::string_view later : kLaterExtensions) {
    if (extension == later) {
      throw Error(fmt::format("{}: {} files are not supported by this build; turn it into .jsonl",
                              path.string(), extension));
    }
  }
  for (const auto& [known, format] : kExtensions) {
    if (extension == known) {
      return format;
    }
  }
  throw Error(path.string() +
              ": the name does not tell the format; say 'format:' in a dataset file, or end the "
              "name in .jsonl, .json or .csv");
}

std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, RowFormat format) {
  switch (format) {
    case RowFormat::kJsonl:
      return std::make_unique<JsonlRows>(path);
    case RowFormat::kJson:
      return std::make_unique<JsonArrayRows>(path);
    case RowFormat::kCsv:
      return std::make_unique<CsvReader>(path);
  }
  return nullptr;
}

}  // namespace sft
