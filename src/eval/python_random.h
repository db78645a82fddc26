#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sft {

// Python's random.Random (3.2 and newer): the Mersenne Twister MT19937 seeded by an array of words,
// for protocols whose published numbers were drawn with it.
class PythonRandom {
 public:
  explicit PythonRandom(uint32_t seed);          // random.seed(666)
  explicit PythonRandom(std::string_view text);  // random.seed("text"): by the text and its SHA-512

  double random();             // in [0, 1), 53 bits
  size_t below(size_t bound);  // randrange(bound), which shuffle draws; bound below 2^32
  // Whether random.shuffle changes the order of a list of two.
  bool swaps_two() { return below(2) == 0; }

 private:
  static constexpr size_t kWords = 624;

  void seed_by(const std::vector<uint32_t>& key);
  uint32_t next();
  void refill();

  std::array<uint32_t, kWords> state_{};
  size_t used_ = kWords;
};

}  // namespace sft
