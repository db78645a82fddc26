// The Mersenne Twister of Matsumoto and Nishimura (1998), with their initialization by an array.

#include "eval/python_random.h"

#include <algorithm>
#include <bit>
#include <string>

#include "sft/io/sha512.h"

namespace sft {
namespace {

constexpr size_t kMiddle = 397;
constexpr uint32_t kUpperBit = 0x80000000;

// A big-endian whole number as 32-bit words, the lowest first.
std::vector<uint32_t> as_words(std::string_view bytes) {
  std::vector<uint32_t> words((bytes.size() + 3) / 4, 0);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const size_t place = bytes.size() - 1 - i;
    words[place / 4] |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[i]))
                        << (8 * (place % 4));
  }
  while (words.size() > 1 && words.back() == 0) {
    words.pop_back();
  }
  return words;
}

}  // namespace

PythonRandom::PythonRandom(uint32_t seed) {
  seed_by({seed});
}

PythonRandom::PythonRandom(std::string_view text) {
  std::string bytes(text);
  for (const unsigned char byte : sha512(text)) {
    bytes += static_cast<char>(byte);
  }
  seed_by(as_words(bytes));
}

void PythonRandom::seed_by(const std::vector<uint32_t>& key) {
  state_[0] = 19650218;
  for (uint32_t i = 1; i < kWords; ++i) {
    state_[i] = 1812433253 * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
  }
  size_t i = 1;
  size_t j = 0;
  const auto step = [&] {
    if (++i == kWords) {
      state_[0] = state_[kWords - 1];
      i = 1;
    }
  };
  for (size_t count = std::max(kWords, key.size()); count > 0; --count) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1664525)) + key[j] +
                static_cast<uint32_t>(j);
    step();
    j = (j + 1) % key.size();
  }
  for (size_t count = kWords - 1; count > 0; --count) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30)) * 1566083941)) -
                static_cast<uint32_t>(i);
    step();
  }
  state_[0] = kUpperBit;
  used_ = kWords;
}

void PythonRandom::refill() {
  for (size_t i = 0; i < kWords; ++i) {
    const uint32_t mixed = (state_[i] & kUpperBit) | (state_[(i + 1) % kWords] & ~kUpperBit);
    state_[i] = state_[(i + kMiddle) % kWords] ^ (mixed >> 1) ^ ((mixed & 1) * 0x9908b0df);
  }
  used_ = 0;
}

uint32_t PythonRandom::next() {
  if (used_ == kWords) {
    refill();
  }
  uint32_t word = state_[used_++];
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680;
  word ^= (word << 15) & 0xefc60000;
  return word ^ (word >> 18);
}

double PythonRandom::random() {
  const uint32_t high = next() >> 5;
  const uint32_t low = next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

size_t PythonRandom::below(size_t bound) {
  const auto num_bits = static_cast<int>(std::bit_width(bound));
  uint32_t value = 0;
  do {
    value = next() >> (32 - num_bits);
  } while (value >= bound);
  return value;
}

}  // namespace sft
