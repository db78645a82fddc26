#include "sft/io/jsonl.h"

#include <cerrno>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>

#include "io/posix.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr size_t kMaxLineBytes = 64'000'000;

}  // namespace

JsonlReader::JsonlReader(const std::filesystem::path& path) : file_(path) {
  file_.skip_byte_order_mark();
}

// Fills `line` without its end; false at the end of the file.
bool JsonlReader::read_line(std::string& line) {
  line.clear();
  std::string_view rest = file_.rest();
  if (rest.empty()) {
    return false;
  }
  ++line_;
  for (; !rest.empty(); rest = file_.rest()) {
    const size_t end = rest.find('\n');
    line += rest.substr(0, end);
    if (line.size() > kMaxLineBytes) {
      throw Error(fmt::format("{}:{}: longer than {} MB; is it JSON Lines, one value a line?",
                              file_.name(), line_, kMaxLineBytes / 1'000'000));
    }
    file_.skip(end == std::string_view::npos ? rest.size() : end + 1);
    if (end != std::string_view::npos) {
      break;
    }
  }
  return true;
}

std::optional<JsonlReader::Row> JsonlReader::next() {
  std::string line;
  while (read_line(line)) {
    const std::string_view text = line;
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    std::string where = fmt::format("{}:{}", file_.name(), line_);
    return Row{parse_json(text, where), where};
  }
  return std::nullopt;
}

JsonlWriter::JsonlWriter(const std::filesystem::path& path) {
  if (path != "-") {
    file_.emplace(path);
  }
}

void JsonlWriter::write(const Json& value) {
  const std::string line = dump_json(value, JsonLayout::kCompact) + "\n";
  if (file_) {
    file_->write(line);
  } else if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size()) {
    throw_system_error("stdout", "write", errno);
  }
}

void JsonlWriter::commit() {
  if (file_) {
    file_->commit();
  } else if (std::fflush(stdout) != 0) {
    throw_system_error("stdout", "write", errno);
  }
}

}  // namespace sft
