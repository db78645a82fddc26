#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace sft {

// What a run may take here and now.
struct Machine {
  uint64_t available_memory_bytes = 0;  // MemAvailable, less where a control group allows less
  uint64_t free_disk_bytes = 0;
};

// This machine, with the disk that `output` will lie on (it need not exist yet).
Machine this_machine(const std::filesystem::path& output);

// Throws Error where `what` ("m/config.json: a model of 3.1B parameters") takes more memory than
// this machine has at all, before it is asked for.
void check_memory(uint64_t bytes, const std::string& what);

}  // namespace sft
