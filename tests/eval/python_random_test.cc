#include "eval/python_random.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sft {
namespace {

// CPython 3.11's values: random.Random(seed), then random() and randrange().
TEST(PythonRandom, AgreesWithPython) {
  PythonRandom random(666);
  EXPECT_EQ(random.random(), 0.45611964897696833);
  EXPECT_EQ(random.random(), 0.9033231539802643);
  std::vector<size_t> bits;
  bits.reserve(8);
  for (int i = 0; i < 8; ++i) {
    bits.push_back(random.below(2));
  }
  EXPECT_EQ(bits, (std::vector<size_t>{1, 1, 0, 1, 0, 0, 0, 1}));
  EXPECT_EQ(PythonRandom(0U).random(), 0.8444218515250481);
}

TEST(PythonRandom, TextIsASeed) {
  PythonRandom random(
      "is_switched_outputsHello\xc3\xa9"
      "0");
  EXPECT_EQ(random.random(), 0.6562642619833301);
  EXPECT_EQ(random.below(1000), 543);
  EXPECT_EQ(PythonRandom(std::string(3000, 'x')).random(),
            0.47422297912728983);  // more words than the state
}

}  // namespace
}  // namespace sft
