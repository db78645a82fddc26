#include "sft/io/file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/posix.h"

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace {

// The size of an open regular file. Throws Error for whatever else is there.
uint64_t regular_file_bytes(const Descriptor& file, const std::filesystem::path& path) {
  if (file.get() < 0) {
    throw_system_error(path, "open", errno);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    throw_system_error(path, "stat", errno);
  }
  if (S_ISDIR(status.st_mode)) {
    throw Error(path.string() + ": is a folder, not a file");
  }
  if (!S_ISREG(status.st_mode)) {
    throw Error(path.string() + ": is not a regular file");
  }
  return static_cast<uint64_t>(status.st_size);
}

}  // namespace

std::string read_file(const std::filesystem::path& path, uint64_t max_bytes) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);  // a pipe must not make us wait
  const uint64_t size = regular_file_bytes(file, path);
  if (size > max_bytes) {
    throw Error(fmt::format("{}: {} bytes long, at most {} are read", path.string(), size,
                            format_bytes(max_bytes)));
  }
  std::string text(size, '\0');
  uint64_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(file.get(), text.data() + done, size - done);
    if (count < 0 && errno != EINTR) {
      throw_system_error(path, "read", errno);
    }
    if (count == 0) {
      throw Error(
          fmt::format("{}: ended after {} of {} bytes while it was read; is it still being "
                      "written?",
                      path.string(), done, size));
    }
    done += static_cast<uint64_t>(std::max<ssize_t>(count, 0));
  }
  return text;
}

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const Descriptor file(path, O_RDONLY | O_NONBLOCK);
  size_ = regular_file_bytes(file, path);
  if (size_ == 0) {
    return;  // mmap takes no empty file
  }
  void* const address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) {
    throw_system_error(path, "map", errno);
  }
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(const_cast<std::byte*>(data_), size_);
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_copy(const std::filesystem::path& from, const std::filesystem::path& to) {
  const MappedFile source(from);
  AtomicFile file(to);
  file.write(source.bytes());
  file.commit();
}

}  // namespace sft
