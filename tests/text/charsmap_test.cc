#include "text/charsmap.h"

#include <cstring>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"

namespace sft {
namespace {

using testing::HasSubstr;

// A trie in which "A" becomes "x" and "AB" becomes "yz".
class Builder {
 public:
  Builder() : units_(512) {
    units_[0] = 1U << 10;  // the root's children are at 1 ^ byte
    units_[1 ^ 'A'] = ((1 ^ 'A') ^ 256) << 10 | 1U << 8 | 'A';
    units_[256] = 1U << 31 | 0;  // the leaf of "A"
    units_[256 ^ 'B'] = ((256 ^ 'B') ^ 300) << 10 | 1U << 8 | 'B';
    units_[300] = 1U << 31 | 2;
  }
  std::vector<uint32_t>& units() { return units_; }
  std::string bytes(const std::string& texts = std::string("x\0yz\0", 5)) const {
    const auto size = static_cast<uint32_t>(units_.size() * sizeof(uint32_t));
    std::string result(sizeof(size) + size, '\0');
    std::memcpy(result.data(), &size, sizeof(size));
    std::memcpy(result.data() + sizeof(size), units_.data(), size);
    return result + texts;
  }

 private:
  std::vector<uint32_t> units_;
};

std::string fault_of(const std::string& bytes) {
  return message_of([&] { Charsmap(bytes, "map").check(); });
}

TEST(Charsmap, FindsTheLongestString) {
  const Charsmap map(Builder().bytes(), "map");
  map.check();
  EXPECT_EQ(map.find_longest("AC")->text, "x");
  EXPECT_EQ(map.find_longest("ABC")->text, "yz");
  EXPECT_EQ(map.find_longest("ABC")->size, 2U);
  EXPECT_FALSE(map.find_longest("B").has_value());
  EXPECT_FALSE(map.find_longest("").has_value());
}

// A grapheme becomes what the shortest string at its beginning becomes.
TEST(Charsmap, NormalizesGraphemes) {
  const Charsmap map(Builder().bytes(), "map");
  EXPECT_EQ(map.normalize_graphemes("AAB A\xCC\x81 c")->text, "xxB x c");
  EXPECT_FALSE(map.normalize_graphemes("abc").has_value());
}

TEST(Charsmap, RefusesTriesThatLeadOutside) {
  Builder circle;
  circle.units()[256 ^ 'B'] = ((256 ^ 'B') ^ (1 ^ 'A' ^ 'A')) << 10 | 'B';
  EXPECT_THAT(fault_of(circle.bytes()), HasSubstr("in circles"));
  Builder outside;
  outside.units()[1 ^ 'A'] = 0x3FFFFU << 10 | 'A';
  EXPECT_THAT(fault_of(outside.bytes()), HasSubstr("leads outside"));
  EXPECT_THAT(fault_of(Builder().bytes(std::string("x\0", 2))), HasSubstr("a text lies outside"));
  EXPECT_THAT(fault_of(Builder().bytes("xyz")), HasSubstr("its last text does not end"));
  EXPECT_THAT(fault_of(Builder().bytes(std::string("\xFF\0yz\0", 5))), HasSubstr("not UTF-8"));
  EXPECT_EQ(fault_of(Builder().bytes()), "");
}

}  // namespace
}  // namespace sft
