#include "sft/core/error.h"

#include <cstdio>
#include <cstdlib>

namespace sft {

std::string UsageError::joined(const std::vector<std::string>& faults) {
  std::string text;
  for (const std::string& fault : faults) {
    text += (text.empty() ? "" : "\n") + fault;
  }
  return text;
}

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "sft: bug: %s:%d: %s does not hold; please report this\n", file, line,
               condition);
  std::abort();
}

}  // namespace sft
