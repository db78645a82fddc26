#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "sft/io/jsonl.h"

namespace sft {

// The rows of a Parquet file, one after another, as JSON objects under the names of its columns, in
// their order: texts, whole numbers, floats, true and false, null, lists, and structs as objects;
// other types (dates, decimals) as their text. A few thousand rows are held at a time, however long
// the file or its row groups are. Each row's place is "path: row N", from 1. Throws Error for what
// is no Parquet file, or cut or broken, and for a text that is no valid UTF-8, with its row and
// column.
class ParquetReader {
 public:
  explicit ParquetReader(const std::filesystem::path& path);
  ~ParquetReader();
  ParquetReader(const ParquetReader&) = delete;
  ParquetReader& operator=(const ParquetReader&) = delete;

  std::optional<JsonlReader::Row> next();  // none at the end

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sft
