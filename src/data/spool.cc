#include "data/spool.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 20;
constexpr mode_t kOwnerOnly = 0600;

[[noreturn]] void refuse(const std::filesystem::path& path, const char* what, int code) {
  throw Error(fmt::format("{}: cannot {}: {}", path.string(), what, std::strerror(code)));
}

}  // namespace

Spool::Spool(std::filesystem::path path)
    : path_(std::move(path)),
      descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kOwnerOnly)) {
  if (descriptor_ < 0) {
    refuse(path_, "open", errno);
  }
}

Spool::~Spool() {
  ::close(descriptor_);
  std::error_code error;
  std::filesystem::remove(path_, error);
}

uint64_t Spool::append(std::string_view text) {
  const uint64_t place = size_;
  buffer_ += text;
  size_ += text.size();
  if (buffer_.size() >= kBufferBytes) {
    flush();
  }
  return place;
}

std::string Spool::read(uint64_t place, size_t size) {
  flush();
  std::string text(size, '\0');
  for (size_t done = 0; done < size;) {
    const ssize_t count =
        ::pread(descriptor_, text.data() + done, size - done, static_cast<off_t>(place + done));
    if (count < 0 && errno != EINTR) {
      refuse(path_, "read", errno);
    }
    SFT_CHECK(count != 0);
    done += count > 0 ? static_cast<size_t>(count) : 0;
  }
  return text;
}

void Spool::flush() {
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t count = ::write(descriptor_, buffer_.data() + done, buffer_.size() - done);
    if (count < 0 && errno != EINTR) {
      refuse(path_, "write", errno);
    }
    done += count > 0 ? static_cast<size_t>(count) : 0;
  }
  buffer_.clear();
}

}  // namespace sft
