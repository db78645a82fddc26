#include "coverage.h"

#include <array>
#include <bit>
#include <cstdint>

namespace sft {
namespace {

// Hashes of edges; two may share a place, which costs a little attention and nothing else.
constexpr size_t kPlaces = 1 << 16;
std::array<uint8_t, kPlaces> counts;
std::array<uint8_t, kPlaces> known;  // a bit for each power of two seen
uintptr_t last_place = 0;

}  // namespace

void start_coverage() {
  counts.fill(0);
  last_place = 0;
}

bool found_new_coverage() {
  bool is_new = false;
  for (size_t word = 0; word < kPlaces; word += sizeof(uint64_t)) {
    uint64_t eight = 0;
    __builtin_memcpy(&eight, counts.data() + word, sizeof(eight));
    if (eight == 0) {
      continue;
    }
    for (size_t i = word; i < word + sizeof(uint64_t); ++i) {
      if (counts[i] == 0) {
        continue;
      }
      const auto bucket = static_cast<uint8_t>(std::bit_floor(counts[i]));
      is_new |= (known[i] & bucket) == 0;
      known[i] |= bucket;
    }
  }
  return is_new;
}

size_t num_covered_edges() {
  size_t count = 0;
  for (const uint8_t bits : known) {
    count += bits != 0 ? 1 : 0;
  }
  return count;
}

}  // namespace sft

extern "C" const char __executable_start;

// Called by the code under test at every edge.
extern "C" void __sanitizer_cov_trace_pc() {
  // Counted from where the program was loaded, so that equal seeds give equal runs.
  const auto here = reinterpret_cast<uintptr_t>(__builtin_return_address(0)) -
                    reinterpret_cast<uintptr_t>(&__executable_start);
  const uintptr_t mixed = here * 0x9E3779B97F4A7C15ULL >> 40;
  uint8_t& count = sft::counts[(mixed ^ sft::last_place) % sft::kPlaces];
  count = static_cast<uint8_t>(count + (count < 255 ? 1 : 0));
  sft::last_place = mixed >> 1;
}
