#include "text/sentencepiece_merges.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "text/shown_token.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr size_t kLongestToken = 4096;  // bytes; the cuts of one are as many

struct Cut {
  double score;
  int32_t left, right;
  size_t left_chars, right_chars;
};

size_t num_chars(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<uint8_t>(byte) & 0xC0) != 0x80;
  }));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> sentencepiece_merges(
    const std::vector<TokenizerFiles::Token>& tokens, std::span<const double> scores,
    const std::string& where) {
  Vocabulary vocabulary;
  for (const TokenizerFiles::Token& token : tokens) {
    vocabulary.add(token.text, token.id);
  }
  std::vector<Cut> cuts;
  for (const TokenizerFiles::Token& token : tokens) {
    const std::string_view text = token.text;
    const double score = scores[static_cast<size_t>(token.id)];
    if (text.size() > kLongestToken || !std::isfinite(score)) {
      throw Error(fmt::format("{}: token '{}' has {} bytes (at most {}) and the score {}", where,
                              shown(text), text.size(), kLongestToken, score));
    }
    const size_t first = cuts.size();
    for (size_t i = 0; i < text.size(); i += decode_char(text, i).size) {
      const std::optional<int32_t> left = vocabulary.find(text.substr(0, i));
      const std::optional<int32_t> right = vocabulary.find(text.substr(i));
      if (i > 0 && left.has_value() && right.has_value()) {
        cuts.push_back(
            {score, *left, *right, num_chars(text.substr(0, i)), num_chars(text.substr(i))});
      }
    }
    std::sort(cuts.begin() + static_cast<ptrdiff_t>(first), cuts.end(),
              [](const Cut& a, const Cut& b) {
                return a.left != b.left ? a.left < b.left : a.right < b.right;
              });
  }
  std::stable_sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) {
    if (a.score != b.score) {
      return a.score > b.score;
    }
    return a.left_chars != b.left_chars ? a.left_chars > b.left_chars
                                        : a.right_chars > b.right_chars;
  });
  std::vector<std::pair<std::string, std::string>> merges;
  merges.reserve(cuts.size());
  for (const Cut& cut : cuts) {
    merges.emplace_back(vocabulary.bytes(cut.left), vocabulary.bytes(cut.right));
  }
  return merges;
}

}  // namespace sft
