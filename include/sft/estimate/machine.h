#pragma once

#include <cstdint>
#include <filesystem>

namespace sft {

// What a run may take here and now.
struct Machine {
  uint64_t available_memory_bytes = 0;  // MemAvailable, less where a control group allows less
  uint64_t free_disk_bytes = 0;
};

// This machine, with the disk that `output` will lie on (it need not exist yet).
Machine this_machine(const std::filesystem::path& output);

}  // namespace sft
