#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "sft/io/jsonl.h"

namespace sft {

enum class RowFormat { kJsonl, kJson, kCsv, kParquet };

// A row of a data file, and where it is: "path:line", or "path: row N" (from 1) in JSON and
// Parquet.
using Row = JsonlReader::Row;

// The rows of a file, one after another, as JSON values; none at the end. Of a CSV file each row is
// an object of texts under the header's names.
class RowReader {
 public:
  virtual ~RowReader() = default;
  virtual std::optional<Row> next() = 0;
};

// What the file's name says, .gz and .zst at its end aside. Throws Error for a name that says
// nothing.
RowFormat format_of(const std::filesystem::path& path);
// The same; none for a name that says nothing.
std::optional<RowFormat> find_format(const std::filesystem::path& path);

// Throws Error where the file is absent or broken, with the place.
std::unique_ptr<RowReader> open_rows(const std::filesystem::path& path, RowFormat format);

}  // namespace sft
