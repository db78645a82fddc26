#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sft/data/row_reader.h"
#include "sft/io/input_file.h"

namespace sft {

// CSV as RFC 4180 has it, UTF-8:
//   record = field *("," field) (LF / CRLF)
//   field  = *plain / DQUOTE *(any / 2DQUOTE) DQUOTE
// A quoted field may hold commas, line ends and doubled quotes. The first record names the columns;
// every other has as many fields. A leading BOM is taken; blank lines are skipped unless there is
// one column only, where they are empty fields. Throws Error with path:line (of the record's start)
// for a quote in the wrong place, an open quote at the end, another number of fields, an empty or
// repeated column name, invalid UTF-8, and a record past 64 MB.
class CsvReader final : public RowReader {
 public:
  explicit CsvReader(const std::filesystem::path& path);
  std::optional<Row> next() override;

 private:
  std::optional<std::vector<std::string>> next_record();
  void read_quoted(std::string& field);
  void append(std::string& field, char c);
  [[noreturn]] void refuse(const std::string& why) const;
  void check_columns() const;

  InputFile file_;
  std::vector<std::string> columns_;
  uint64_t line_ = 1;         // of the next character
  uint64_t record_line_ = 1;  // of the record's first character
  size_t record_bytes_ = 0;
};

}  // namespace sft
