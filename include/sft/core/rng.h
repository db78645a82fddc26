#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sft {

// Philox 4x32-10, a counter-based generator (Salmon et al., "Parallel Random Numbers: As Easy as
// 1, 2, 3", SC 2011): the i-th value of a stream depends on (seed, stream, i) alone, so that a
// number never depends on a batch, a rank or a thread.
class Rng {
 public:
  // `stream` names what the numbers are for ("model.embed_tokens.weight"); equal names and seeds
  // give equal numbers.
  Rng(uint64_t seed, std::string_view stream);

  // The four 32-bit words of block `index`.
  std::array<uint32_t, 4> block(uint64_t index) const;
  // In [0, 1), 24 bits.
  float uniform(uint64_t index) const;
  // Standard normal, by Box and Muller on one block.
  float normal(uint64_t index) const;

  // What Philox runs on, for loops that compute many blocks at a time.
  std::array<uint32_t, 2> key() const { return key_; }
  std::array<uint32_t, 2> stream() const { return stream_; }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 2> stream_;
};

}  // namespace sft
