#include "hub/file_lock.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sft/core/error.h"

namespace sft {
namespace {

[[noreturn]] void throw_failed(const std::filesystem::path& path, int code) {
  throw Error(
      fmt::format("{}: cannot lock: {}", path.string(), std::generic_category().message(code)));
}

bool has_no_locks(int code) {
  return code == ENOSYS || code == ENOLCK || code == EOPNOTSUPP || code == EINVAL;
}

// Whether `descriptor` is still what lies at its path: some versions of filelock remove the file.
bool is_linked(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && status.st_nlink > 0;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path, const std::function<void()>& on_wait) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    throw_failed(path, error.value());
  }
  while (true) {
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0664);
    if (descriptor_ < 0) {
      throw_failed(path, errno);
    }
    while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
      const int code = errno;
      if (has_no_locks(code)) {
        spdlog::warn("[hub] {}: this file system has no locks; processes may download twice",
                     path.string());
        return;
      }
      if (code != EWOULDBLOCK && code != EINTR) {
        ::close(descriptor_);
        throw_failed(path, code);
      }
      on_wait();
    }
    if (is_linked(descriptor_)) {
      return;
    }
    ::close(descriptor_);
  }
}

FileLock::~FileLock() {
  ::close(descriptor_);  // gives the lock back
}

}  // namespace sft
