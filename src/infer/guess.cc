#include "infer/guess.h"

#include <algorithm>

namespace sft {
namespace {

constexpr size_t kFewestAgreeing = 4;

// How many tokens before `end` are those at the end of all; no more than `most` are looked at.
size_t num_agreeing(std::span<const int32_t> tokens, size_t end, size_t most) {
  size_t count = 0;
  while (count < std::min(most, end) &&
         tokens[end - 1 - count] == tokens[tokens.size() - 1 - count]) {
    ++count;
  }
  return count;
}

}  // namespace

std::vector<int32_t> guess_next(std::span<const int32_t> tokens, size_t most) {
  std::vector<int32_t> guess;
  for (size_t end = tokens.size(); most > 0 && end-- > kFewestAgreeing;) {
    const size_t agreeing = num_agreeing(tokens, end, std::max(2 * most, kFewestAgreeing));
    if (agreeing < kFewestAgreeing) {
      continue;
    }
    for (size_t i = 0; i < std::min(most, agreeing / 2); ++i) {
      // Past the end of all it goes on with itself: what repeats may be shorter than the guess.
      const size_t from = end + i;
      guess.push_back(from < tokens.size() ? tokens[from] : guess[from - tokens.size()]);
    }
    break;
  }
  return guess;
}

}  // namespace sft
