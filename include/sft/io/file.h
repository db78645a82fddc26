#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

// The whole file. Throws Error where it is absent, no regular file, unreadable or longer than
// `max_bytes`.
std::string read_file(const std::filesystem::path& path, uint64_t max_bytes = uint64_t{1} << 30);

// A file mapped read-only; its bytes are valid as long as the object lives, and do not move with
// it. A file that another process cuts short meanwhile ends this one (SIGBUS). Throws Error.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// A file that appears whole or not at all: written under a temporary name beside `path`, and put in
// its place by `commit` (fsync, rename, fsync of the folder). Without commit nothing remains.
// Missing parents are made. Replaces nothing that is not a regular file, which is checked at
// construction, before any work. Throws Error on every failed call.
//
// Calls: write* commit. Leftovers of killed runs (same target, dead process of this host) are
// removed at construction.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void write(std::span<const std::byte> bytes);
  uint64_t size() const { return size_; }  // bytes written so far
  void commit();

 private:
  void flush();

  std::filesystem::path path_;
  std::filesystem::path temporary_path_;
  std::vector<std::filesystem::path> made_parents_;
  int descriptor_ = -1;  // -1: committed
  std::string buffer_;
  uint64_t size_ = 0;
};

// The same for a whole folder: files are written into `staging()`, and `commit` syncs them all and
// renames the folder to `path`. An existing folder at `path` is replaced only where `existing` says
// so (the two are exchanged in one step where the file system can, then the old one is removed);
// that it is one of ours is for the caller to know. Anything else there is an Error at
// construction, before any work. Missing parents are made. Leftovers of killed runs (same target,
// dead process of this host) are removed.
class AtomicFolder {
 public:
  enum class Existing { kRefuse, kReplace };
  explicit AtomicFolder(std::filesystem::path path, Existing existing = Existing::kRefuse);
  ~AtomicFolder();
  AtomicFolder(const AtomicFolder&) = delete;
  AtomicFolder& operator=(const AtomicFolder&) = delete;

  const std::filesystem::path& staging() const { return staging_path_; }
  void commit();

 private:
  void check_target() const;

  std::filesystem::path path_;
  std::filesystem::path staging_path_;
  std::vector<std::filesystem::path> made_parents_;
  Existing existing_;
  bool is_committed_ = false;
};

// AtomicFile in one call.
void write_file(const std::filesystem::path& path, std::string_view bytes);
// AtomicFile with the bytes of `from`, which are never all in memory.
void write_copy(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace sft
