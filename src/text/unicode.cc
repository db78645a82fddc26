#include "text/unicode.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <unordered_map>

namespace sft {
namespace {

#include "text/unicode_data.inc"

constexpr char32_t kNumCodePoints = 0x110000;
constexpr std::string_view kCategoryNames[] = {
    "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co"};
// White space among the controls gets a category of its own, so that one look-up tells \s.
constexpr uint8_t kControl = 26;
constexpr uint8_t kControlSpace = 31;

bool is_control_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x85;
}

// A table of entries code point, length, characters.
class MappingIndex {
 public:
  explicit MappingIndex(std::span<const uint32_t> table) {
    for (size_t i = 0; i < table.size(); i += 2 + table[i + 1]) {
      entries_.emplace(table[i], table.subspan(i + 2, table[i + 1]));
    }
  }
  std::span<const uint32_t> find(char32_t c) const {
    const auto found = entries_.find(c);
    return found == entries_.end() ? std::span<const uint32_t>() : found->second;
  }

 private:
  std::unordered_map<uint32_t, std::span<const uint32_t>> entries_;
};

std::unordered_map<uint64_t, char32_t> composition_index() {
  std::unordered_map<uint64_t, char32_t> index;
  for (size_t i = 0; i < std::size(kCompositions); i += 3) {
    index.emplace(uint64_t{kCompositions[i]} << 32 | kCompositions[i + 1], kCompositions[i + 2]);
  }
  return index;
}

}  // namespace

const UnicodeTable& UnicodeTable::get() {
  static const UnicodeTable kTable;
  return kTable;
}

UnicodeTable::UnicodeTable() : properties_(kNumCodePoints) {
  for (size_t i = 0; i < std::size(kPropertyRuns); ++i) {
    const uint32_t first = kPropertyRuns[i] >> 8;
    const uint32_t end =
        i + 1 < std::size(kPropertyRuns) ? kPropertyRuns[i + 1] >> 8 : uint32_t{kNumCodePoints};
    std::fill(properties_.begin() + first, properties_.begin() + end,
              static_cast<uint8_t>(kPropertyRuns[i] & 0xFF));
  }
  for (char32_t c = 0; c <= 0x85; ++c) {
    if (is_control_space(c)) {
      properties_[c] = static_cast<uint8_t>((properties_[c] & ~kCategoryMask) | kControlSpace);
    }
  }
}

std::vector<UnicodeTable::Range> UnicodeTable::category_ranges(std::string_view name) const {
  std::vector<bool> is_wanted(32);
  for (size_t i = 0; i < std::size(kCategoryNames); ++i) {
    is_wanted[i] = !name.empty() && kCategoryNames[i].starts_with(name);
  }
  is_wanted[kControlSpace] = is_wanted[kControl];
  std::vector<Range> ranges;
  for (char32_t c = 0; c < kNumCodePoints; ++c) {
    const bool is_surrogate = c >= 0xD800 && c <= 0xDFFF;
    if (is_surrogate || !is_wanted[properties_[c] & kCategoryMask]) {
      continue;
    }
    if (!ranges.empty() && ranges.back().last + 1 == c) {
      ranges.back().last = c;
    } else {
      ranges.push_back({c, c});
    }
  }
  return ranges;
}

uint8_t combining_class(char32_t c) {
  const auto after = std::upper_bound(std::begin(kCombiningRuns), std::end(kCombiningRuns),
                                      uint32_t{c} << 8 | 0xFF);
  return static_cast<uint8_t>(*(after - 1) & 0xFF);
}

std::span<const uint32_t> canonical_decomposition(char32_t c) {
  static const MappingIndex kIndex(kDecompositions);
  return kIndex.find(c);
}

std::span<const uint32_t> compatibility_decomposition(char32_t c) {
  static const MappingIndex kIndex(kCompatibilityDecompositions);
  return kIndex.find(c);
}

std::span<const uint32_t> lower_case_of(char32_t c) {
  static const MappingIndex kIndex(kLowerCases);
  return kIndex.find(c);
}

bool is_punctuation(char32_t c) {
  const auto after = std::upper_bound(std::begin(kPunctuationRuns), std::end(kPunctuationRuns),
                                      uint32_t{c} << 8 | 0xFF);
  return (*(after - 1) & 1) != 0;
}

char32_t canonical_composition(char32_t first, char32_t second) {
  static const std::unordered_map<uint64_t, char32_t> kIndex = composition_index();
  const auto found = kIndex.find(uint64_t{first} << 32 | second);
  return found == kIndex.end() ? 0 : found->second;
}

}  // namespace sft
