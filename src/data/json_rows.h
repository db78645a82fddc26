#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "sft/data/row_reader.h"
#include "sft/io/input_file.h"

namespace sft {

// The rows of a .json file, a value at a time, however long the file is: the items of one array, or
// values one after another (JSON Lines, which releases call .json as well). Each is "path: row N",
// from 1. Throws Error with the row for broken JSON, for a row that the file's end cuts, for text
// behind the array, and for a row past 64 MB.
class JsonRows final : public RowReader {
 public:
  explicit JsonRows(const std::filesystem::path& path);
  std::optional<Row> next() override;

 private:
  bool find_row();
  void read_value();
  void read_scalar();
  int skip_space();
  std::string where() const;
  [[noreturn]] void refuse(const std::string& why) const;

  InputFile file_;
  bool is_array_ = false;
  bool is_at_end_ = false;
  uint64_t row_ = 0;  // the one being read
  std::string text_;  // its JSON
};

}  // namespace sft
