#include "sft/data/row_reader.h"

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "data/csv_reader.h"
#include "data/json_rows.h"

#include "sft/core/error.h"
#include "sft/io/input_file.h"
#include "sft/io/parquet.h"

namespace sft {
namespace {

constexpr std::array<std::pair<std::string_view, RowFormat>, 4> kExtensions = {{
    {".jsonl", RowFormat::kJsonl},
    {".json", RowFormat::kJson},
    {".csv", RowFormat::kCsv},
    {".parquet", RowFormat::kParquet},
}};

class JsonlRows final : public RowReader {
 public:
  explicit JsonlRows(const std::filesystem::path& path) : reader_(path) {}
  std::optional<Row> next() override { return reader_.next(); }

 private:
  JsonlReader reader_;
};

class ParquetRows final : public RowReader {
 public:
  explicit ParquetRows(const std::filesystem::path& path) : reader_(path) {}
  std::optional<Row> next() override { return reader_.next(); }

 private:
  ParquetReader reader_;
};

}  // namespace

std::optional<RowFormat> find_format(const std::filesystem::path& path) {
  const std::string extension = without_packing(path).extension().string();
  for (const auto& [known, format] : kExtensions) {
    if (extension == known) {
      return format;
    }
  }
  return std::nullopt;
}

RowFormat format_of(const std::filesystem::path& path) {
  if (const std::optional<RowFormat> format = find_format(path)) {
    return *format;
  }
  throw Error(path.string() +
              ": the name does not tell the format; say 'format:' in a dataset file, or end the "
              "name in .jsonl, .json, .csv (.gz or .zst behind it) or .parquet");
}

std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, RowFormat format) {
  switch (format) {
    case RowFormat::kJsonl:
      return std::make_unique<JsonlRows>(path);
    case RowFormat::kJson:
      return std::make_unique<JsonRows>(path);
    case RowFormat::kCsv:
      return std::make_unique<CsvReader>(path);
    case RowFormat::kParquet:
      return std::make_unique<ParquetRows>(path);
  }
  return nullptr;
}

}  // namespace sft
