#include "sft/io/jsonl.h"

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <string_view>

#include <fmt/format.h>

#include "io/posix.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr size_t kMaxLineBytes = 64'000'000;
constexpr int kEndOfFile = std::char_traits<char>::eof();
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

JsonlReader::JsonlReader(const std::filesystem::path& path)
    : name_(path == "-" ? "stdin" : path.string()), stream_(&std::cin) {
  if (path == "-") {
    return;
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw Error(name_ + ": is a folder, not a file");
  }
  errno = 0;
  file_.open(path, std::ios::binary);
  if (!file_) {
    throw_system_error(path, "open", errno);
  }
  stream_ = &file_;
}

// Fills `line` without its end; false at the end of the file.
bool JsonlReader::read_line(std::string& line) {
  line.clear();
  std::streambuf* const buffer = stream_->rdbuf();
  int c = buffer->sbumpc();
  if (c == kEndOfFile) {
    return false;
  }
  ++line_;
  for (; c != kEndOfFile && c != '\n'; c = buffer->sbumpc()) {
    if (line.size() == kMaxLineBytes) {
      throw Error(fmt::format("{}:{}: longer than {} MB; is it JSON Lines, one value a line?",
                              name_, line_, kMaxLineBytes / 1'000'000));
    }
    line.push_back(static_cast<char>(c));
  }
  return true;
}

std::optional<JsonlReader::Row> JsonlReader::next() {
  std::string line;
  while (read_line(line)) {
    std::string_view text = line;
    if (line_ == 1 && text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    std::string where = fmt::format("{}:{}", name_, line_);
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
