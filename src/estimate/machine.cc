#include "sft/estimate/machine.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace fs = std::filesystem;
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

uint64_t bytes_in_meminfo(std::string_view name) {
  std::ifstream file("/proc/meminfo");
  std::string key;
  uint64_t kilobytes = 0;
  std::string rest;
  while (file >> key >> kilobytes && std::getline(file, rest)) {
    if (key == name) {
      return kilobytes * 1024;
    }
  }
  return kUnlimited;
}

std::optional<uint64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  uint64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

// Version 2 of control groups; "max" is no number and means no limit.
uint64_t allowed_by_control_group() {
  const fs::path folder = "/sys/fs/cgroup";
  const std::optional<uint64_t> limit = number_in(folder / "memory.max");
  const std::optional<uint64_t> used = number_in(folder / "memory.current");
  if (!limit || !used) {
    return kUnlimited;
  }
  return *limit - std::min(*limit, *used);
}

uint64_t free_disk(fs::path path) {
  std::error_code error;
  path = fs::absolute(path, error);
  while (!fs::exists(path, error) && path.has_relative_path()) {
    path = path.parent_path();
  }
  const fs::space_info space = fs::space(path, error);
  return error ? kUnlimited : space.available;
}

}  // namespace

Machine this_machine(const fs::path& output) {
  return {.available_memory_bytes =
              std::min(bytes_in_meminfo("MemAvailable:"), allowed_by_control_group()),
          .free_disk_bytes = free_disk(output)};
}

void check_memory(uint64_t bytes, const std::string& what) {
  const uint64_t total = bytes_in_meminfo("MemTotal:");
  if (bytes > total) {
    throw Error(fmt::format("{} takes {} of memory, this machine has {}; take a smaller one", what,
                            format_bytes(bytes), format_bytes(total)));
  }
}

}  // namespace sft
