#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "sft/io/file.h"
#include "sft/io/input_file.h"
#include "sft/io/json.h"

namespace sft {

// Reads JSON Lines (UTF-8, one value a line, blank lines skipped; CRLF and a leading BOM are
// taken), a line at a time, unpacked where the name ends in .gz or .zst. "-" is stdin; pipes are
// read as well. Throws Error with path:line for a broken line, and for one longer than 64 MB.
class JsonlReader {
 public:
  struct Row {
    Json value;
    std::string where;  // "path:line"
  };
  explicit JsonlReader(const std::filesystem::path& path);
  JsonlReader(const JsonlReader&) = delete;
  JsonlReader& operator=(const JsonlReader&) = delete;

  std::optional<Row> next();  // none at the end

 private:
  bool read_line(std::string& line);

  InputFile file_;
  uint64_t line_ = 0;
};

// Writes JSON Lines that appear whole or not at all; "-" is stdout.
class JsonlWriter {
 public:
  explicit JsonlWriter(const std::filesystem::path& path);
  void write(const Json& value);
  void commit();

 private:
  std::optional<AtomicFile> file_;  // none for stdout
};

}  // namespace sft
