#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace sft {

// A file read from front to back, however long, through a buffer of fixed size; what ends in .gz or
// .zst is unpacked on the way. "-" is stdin; pipes are read as well. Throws Error where the file is
// absent or a folder, where packed data are broken, and where they end in the middle, as a download
// that was cut leaves them.
class InputFile {
 public:
  static constexpr int kEnd = -1;

  explicit InputFile(const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& name() const { return name_; }  // the path as given, or "stdin"

  // The next byte (0 to 255), or kEnd.
  int peek() { return at_ < chunk_.size() || next_chunk() ? byte() : kEnd; }
  int get() { return at_ < chunk_.size() || next_chunk() ? (++at_, previous_byte()) : kEnd; }

  // Bytes that are there without waiting for more; empty at the end alone. `skip` moves on by at
  // most that many.
  std::string_view rest() {
    if (at_ == chunk_.size()) {
      next_chunk();
    }
    return chunk_.substr(at_);
  }
  void skip(size_t count) { at_ += count; }

  // Moves past a UTF-8 byte order mark; to be called at the start.
  void skip_byte_order_mark();

  class Source;

 private:
  int byte() const { return static_cast<unsigned char>(chunk_[at_]); }
  int previous_byte() const { return static_cast<unsigned char>(chunk_[at_ - 1]); }
  bool next_chunk();

  std::string name_;
  std::unique_ptr<Source> source_;
  std::string_view chunk_;  // of the source's buffer
  size_t at_ = 0;
};

// The name without .gz or .zst.
std::filesystem::path without_packing(const std::filesystem::path& path);

}  // namespace sft
