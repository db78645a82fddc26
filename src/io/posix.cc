#include "io/posix.h"

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "sft/core/error.h"

namespace sft {

void throw_system_error(const std::filesystem::path& path, std::string_view what, int code) {
  throw Error(
      fmt::format("{}: cannot {}: {}", path.string(), what, std::generic_category().message(code)));
}

Descriptor::Descriptor(const std::filesystem::path& path, int flags)
    : descriptor_(::open(path.c_str(), flags | O_CLOEXEC)) {}

Descriptor::~Descriptor() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

void sync_path(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0) {
    throw_system_error(path, "open for syncing", errno);
  }
  // Some file systems cannot sync a folder and say EINVAL; then there is nothing more to do.
  if (::fsync(file.get()) != 0 && errno != EINVAL) {
    throw_system_error(path, "sync", errno);
  }
}

}  // namespace sft
