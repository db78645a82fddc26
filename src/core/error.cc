#include "sft/core/error.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "sft/core/one_line.h"

namespace sft {
namespace {

constexpr size_t kMaxFaults = 100;

}  // namespace

Error::Error(const std::string& message) : std::runtime_error(one_line(message)) {}

UsageError::Checked::Checked(std::vector<std::string> all) : faults(std::move(all)) {
  const size_t count = faults.size();
  faults.resize(std::min(count, kMaxFaults));
  for (std::string& fault : faults) {
    fault = one_line(fault);
  }
  if (count > kMaxFaults) {
    faults.push_back("and " + std::to_string(count - kMaxFaults) + " faults more");
  }
}

std::string UsageError::Checked::joined() const {
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
