#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sft {

// Tokens that the requests [first, last) have alike: [begin, end) of each.
struct SharedPrefix {
  size_t first = 0;
  size_t last = 0;
  size_t begin = 0;
  size_t end = 0;
};

// Fewer tokens are computed anew for each request: attention over one part more costs as much.
inline constexpr size_t kMinSharedTokens = 16;

// What neighbours among requests begin with, as a tree in which a node's tokens come behind its
// parent's (those of the same requests, and maybe more, that end where it begins): worked examples,
// then a question whose choices are asked for. In the order of `first`, parents before children.
std::vector<SharedPrefix> find_shared_prefixes(std::span<const std::span<const int32_t>> requests);

}  // namespace sft
