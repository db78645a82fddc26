#include "mutator.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace sft {
namespace {

// Where arithmetic on sizes breaks.
constexpr std::array<uint64_t, 24> kBoundaries = {0,
                                                  1,
                                                  2,
                                                  7,
                                                  8,
                                                  31,
                                                  32,
                                                  0x7F,
                                                  0x80,
                                                  0xFF,
                                                  0x100,
                                                  0x7FFF,
                                                  0x8000,
                                                  0xFFFF,
                                                  0x10000,
                                                  1U << 24,
                                                  0x7FFFFFFF,
                                                  0x80000000,
                                                  0xFFFFFFFF,
                                                  1ULL << 32,
                                                  1ULL << 62,
                                                  0x7FFFFFFFFFFFFFFF,
                                                  0x8000000000000000,
                                                  0xFFFFFFFFFFFFFFFF};

constexpr std::array<const char*, 18> kDigits = {"0",
                                                 "1",
                                                 "-1",
                                                 "2147483647",
                                                 "-2147483648",
                                                 "4294967296",
                                                 "9223372036854775807",
                                                 "-9223372036854775808",
                                                 "9223372036854775808",
                                                 "18446744073709551615",
                                                 "18446744073709551616",
                                                 "1e308",
                                                 "1e999",
                                                 "-0.0",
                                                 "1e-400",
                                                 "0.5",
                                                 "NaN",
                                                 "16777217"};

constexpr std::array<size_t, 4> kWidths = {1, 2, 4, 8};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

Mutator::Mutator(uint64_t seed, std::vector<std::string> words, size_t max_bytes)
    : random_(seed), words_(std::move(words)), max_bytes_(max_bytes) {}

size_t Mutator::below(size_t limit) {
  return static_cast<size_t>(random_() % limit);
}

std::string Mutator::mutate(const std::string& base, const std::string& other) {
  std::string text = base;
  for (size_t left = size_t{1} << below(4); left > 0; --left) {
    switch (below(8)) {
      case 0:
        change_bits(text);
        break;
      case 1:
        change_number(text);
        break;
      case 2:
        lie_about_length(text);
        break;
      case 3:
        change_digits(text);
        break;
      case 4:
        move_pieces(text);
        break;
      case 5:
        repeat(text);
        break;
      case 6:
        put_word(text);
        break;
      default:
        splice(text, other);
    }
    text.resize(std::min(text.size(), max_bytes_));
  }
  return text;
}

// Short ranges more often than long ones.
Mutator::Range Mutator::some_range(const std::string& text) {
  const size_t begin = below(text.size() + 1);
  const size_t limit =
      below(4) == 0 ? text.size() - begin : std::min<size_t>(16, text.size() - begin);
  return {.begin = begin, .size = below(limit + 1)};
}

void Mutator::change_bits(std::string& text) {
  if (text.empty()) {
    return;
  }
  char& byte = text[below(text.size())];
  if (below(2) == 0) {
    byte = static_cast<char>(byte ^ (1 << below(8)));
  } else {
    byte = static_cast<char>(below(256));
  }
}

// A little-endian number somewhere becomes a boundary value, or is off by a little.
void Mutator::change_number(std::string& text) {
  const size_t width = kWidths[below(kWidths.size())];
  if (text.size() < width) {
    return;
  }
  char* const place = text.data() + below(text.size() - width + 1);
  uint64_t value = 0;
  std::memcpy(&value, place, width);
  value = below(2) == 0 ? kBoundaries[below(kBoundaries.size())] : value + below(33) - 16;
  std::memcpy(place, &value, width);
}

// The same where a length or a count seems to stand: a wide number smaller than the input.
void Mutator::lie_about_length(std::string& text) {
  const size_t width = below(2) == 0 ? 4 : 8;
  if (text.size() < width) {
    return;
  }
  const size_t start = below(text.size() - width + 1);
  for (size_t i = 0; i + width <= text.size(); ++i) {
    char* const place = text.data() + (start + i) % (text.size() - width + 1);
    uint64_t value = 0;
    std::memcpy(&value, place, width);
    if (value == 0 || value > text.size()) {
      continue;
    }
    value = below(3) == 0   ? kBoundaries[below(kBoundaries.size())]
            : below(2) == 0 ? value + below(9) - 4
                            : text.size() - static_cast<size_t>(place - text.data());
    std::memcpy(place, &value, width);
    return;
  }
}

void Mutator::change_digits(std::string& text) {
  if (text.empty()) {
    return;
  }
  const auto middle = text.begin() + static_cast<ptrdiff_t>(below(text.size()));
  auto begin = std::find_if(middle, text.end(), is_digit);
  begin = begin == text.end() ? std::find_if(text.begin(), middle, is_digit) : begin;
  if (begin == text.end() || !is_digit(*begin)) {
    return;
  }
  const auto end = std::find_if_not(begin, text.end(), is_digit);
  text.replace(begin, end, kDigits[below(kDigits.size())]);
}

void Mutator::move_pieces(std::string& text) {
  const Range from = some_range(text);
  const std::string piece = text.substr(from.begin, from.size);
  switch (below(4)) {
    case 0:
      text.erase(from.begin, from.size);
      break;
    case 1:
      text.resize(from.begin);
      break;
    case 2:
      text.insert(below(text.size() + 1), piece);
      break;
    default: {
      const Range to = some_range(text);
      text.replace(to.begin, to.size, piece);
    }
  }
}

// A piece many times over: depth, length and counts.
void Mutator::repeat(std::string& text) {
  const Range range = some_range(text);
  const std::string piece = text.substr(range.begin, std::min<size_t>(range.size, 64));
  const size_t times = size_t{1} << below(9);
  std::string repeated;
  for (size_t i = 0; i < times && text.size() + repeated.size() < max_bytes_; ++i) {
    repeated += piece;
  }
  text.insert(range.begin, repeated);
}

void Mutator::put_word(std::string& text) {
  if (words_.empty()) {
    return;
  }
  const Range range = some_range(text);
  text.replace(range.begin, below(2) == 0 ? 0 : range.size, words_[below(words_.size())]);
}

void Mutator::splice(std::string& text, const std::string& other) {
  const Range from = some_range(other);
  const Range to = some_range(text);
  if (below(4) == 0) {
    text = text.substr(0, to.begin) + other.substr(from.begin);
  } else {
    text.replace(to.begin, to.size, other, from.begin, from.size);
  }
}

}  // namespace sft
