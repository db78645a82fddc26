#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "io/posix.h"
#include "io/staging.h"

#include "sft/core/error.h"
#include "sft/io/file.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr size_t kBufferBytes = 1 << 16;

// Only a regular file may be replaced.
void check_target(const fs::path& path) {
  std::error_code code;
  const fs::file_type type = fs::symlink_status(path, code).type();
  if (type == fs::file_type::directory) {
    throw Error(path.string() + ": is a folder; name a file to write");
  }
  if (type == fs::file_type::symlink) {
    throw Error(path.string() + ": is a symbolic link, which is not replaced; name its target");
  }
  if (fs::exists(fs::file_status(type)) && type != fs::file_type::regular) {
    throw Error(path.string() + ": is not a regular file and is not replaced");
  }
}

void write_all(int descriptor, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) {
      throw_system_error(path, "write", errno);
    }
    bytes.remove_prefix(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  }
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  if (!path_.has_filename()) {
    throw Error(fmt::format("'{}': names no file to write", path_.string()));
  }
  path_ = named_target(path_);
  check_target(path_);
  made_parents_ = make_parents(path_);
  recover_leftovers(path_);
  for (int n = 0; descriptor_ < 0; ++n) {
    temporary_path_ = staging_path(path_, StagingKind::kNew, n);
    descriptor_ = ::open(temporary_path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) {
      const int code = errno;
      remove_made_parents(made_parents_);
      throw_system_error(path_, "write here", code);
    }
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
    ::unlink(temporary_path_.c_str());
    remove_made_parents(made_parents_);
  }
}

void AtomicFile::write(std::string_view bytes) {
  write(std::as_bytes(std::span<const char>(bytes.data(), bytes.size())));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  SFT_CHECK(descriptor_ >= 0);
  size_ += bytes.size();
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (buffer_.size() + text.size() > kBufferBytes) {
    flush();
  }
  if (text.size() <= kBufferBytes) {
    buffer_ += text;
    return;
  }
  write_all(descriptor_, text, path_);  // large pieces go past the buffer
}

void AtomicFile::flush() {
  write_all(descriptor_, buffer_, path_);
  buffer_.clear();
}

void AtomicFile::commit() {
  SFT_CHECK(descriptor_ >= 0);
  flush();
  if (::fsync(descriptor_) != 0) {
    throw_system_error(path_, "sync", errno);
  }
  check_target(path_);
  if (::rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    throw_system_error(path_, "put the file in its place", errno);
  }
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0) {
    throw_system_error(path_, "close", errno);
  }
  sync_path(parent_folder(path_));
}

}  // namespace sft
