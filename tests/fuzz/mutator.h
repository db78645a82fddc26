#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

// Changes inputs as files go wrong and as attackers write them: flipped bits, boundary values in
// place of numbers (binary and decimal), lengths that lie, pieces cut out, repeated, nested deeply,
// or spliced in from another input, and words of the format.
class Mutator {
 public:
  Mutator(uint64_t seed, std::vector<std::string> words, size_t max_bytes);

  // An input made from `base`, of at most max_bytes; `other` is what splices come from.
  std::string mutate(const std::string& base, const std::string& other);

  size_t below(size_t limit);  // a random number from 0 to limit - 1; limit > 0

 private:
  struct Range {
    size_t begin;
    size_t size;
  };
  Range some_range(const std::string& text);
  void change_bits(std::string& text);
  void change_number(std::string& text);
  void lie_about_length(std::string& text);
  void change_digits(std::string& text);
  void move_pieces(std::string& text);
  void repeat(std::string& text);
  void put_word(std::string& text);
  void splice(std::string& text, const std::string& other);

  std::mt19937_64 random_;
  std::vector<std::string> words_;
  size_t max_bytes_;
};

}  // namespace sft
