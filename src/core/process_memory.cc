#include "sft/core/process_memory.h"

#include <fstream>
#include <sstream>
#include <string>

namespace sft {

uint64_t anonymous_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssAnon:")) {
      uint64_t kibibytes = 0;
      std::istringstream(line.substr(8)) >> kibibytes;
      return kibibytes * 1024;
    }
  }
  return 0;
}

}  // namespace sft
