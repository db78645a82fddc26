#pragma once

#include <filesystem>
#include <string_view>

namespace sft {

// Throws Error "<path>: cannot <what>: <the system's reason>"; `code` is an errno.
[[noreturn]] void throw_system_error(const std::filesystem::path& path, std::string_view what,
                                     int code);

// An open file, closed at the end of its life.
class Descriptor {
 public:
  // open(2) with O_CLOEXEC; -1 where it fails, and errno says why.
  Descriptor(const std::filesystem::path& path, int flags);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

// Makes what is written to a file or folder survive a crash of the machine. Throws Error.
void sync_path(const std::filesystem::path& path);

}  // namespace sft
