#include "infer/shared_prefix.h"

#include <algorithm>

namespace sft {
namespace {

class Finder {
 public:
  explicit Finder(std::span<const std::span<const int32_t>> requests) {
    for (size_t i = 1; i < requests.size(); ++i) {
      const auto [a, b] = std::ranges::mismatch(requests[i - 1], requests[i]);
      alike_.push_back(static_cast<size_t>(a - requests[i - 1].begin()));
    }
  }

  // Of the requests [first, last), whose tokens before `begin` are shared already.
  void find(size_t first, size_t last, size_t begin) {
    for (size_t i = first; i + 1 < last;) {
      if (alike_[i] < begin + kMinSharedTokens) {
        ++i;
        continue;
      }
      const size_t run = i;
      size_t end = alike_[i];
      for (; i + 1 < last && alike_[i] >= begin + kMinSharedTokens; ++i) {
        end = std::min(end, alike_[i]);
      }
      found_.push_back({.first = run, .last = i + 1, .begin = begin, .end = end});
      find(run, i + 1, end);
    }
  }

  std::vector<SharedPrefix> take() { return std::move(found_); }

 private:
  std::vector<size_t> alike_;  // first tokens that requests i and i + 1 have alike
  std::vector<SharedPrefix> found_;
};

}  // namespace

std::vector<SharedPrefix> find_shared_prefixes(std::span<const std::span<const int32_t>> requests) {
  Finder finder(requests);
  finder.find(0, requests.size(), 0);
  return finder.take();
}

}  // namespace sft
