#include "sft/core/one_line.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/core/error.h"

namespace sft {
namespace {

TEST(OneLine, EscapesWhatBreaksOrHidesALine) {
  struct Case {
    std::string text;
    std::string line;
  };
  const std::vector<Case> cases = {
      {"plain \\ 'text'", "plain \\ 'text'"},
      {"two\nlines\r\n\tand", "two\\nlines\\r\\n\\tand"},
      {std::string("\x1b[31m\x7f\0", 7), "\\x1b[31m\\x7f\\x00"},
      {"\u00e9\u65e5\U0001F600", "\u00e9\u65e5\U0001F600"},
      {"\u0085\u009b\u2028\u202e\u2066", "\\u0085\\u009b\\u2028\\u202e\\u2066"},
      {"\xff\xc3(\xe2\x82", "\\xff\\xc3(\\xe2\\x82"},
      {"\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80",
       "\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80"},  // overlong, surrogate, past the last
  };
  for (const Case& c : cases) {
    EXPECT_EQ(one_line(c.text), c.line);
  }
}

TEST(OneLine, KeepsBothEndsOfALongText) {
  std::string text = "begin ";
  while (text.size() < 100'000) {
    text += "\u65e5";
  }
  const std::string line = one_line(text + " end");
  EXPECT_LE(line.size(), 8000U);
  EXPECT_THAT(line, testing::StartsWith("begin \u65e5"));
  EXPECT_THAT(line, testing::HasSubstr("\u65e5 ... \u65e5"));
  EXPECT_THAT(line, testing::EndsWith("\u65e5 end"));
}

TEST(OneLine, LeavesALineAsItIs) {
  std::string mixed;
  for (int i = 0; i < 9000; ++i) {
    mixed += static_cast<char>(i * 7);
    mixed += "\u65e5";
  }
  for (const std::string& text : {std::string(7000, '\n'), std::string(9000, '\xff'), mixed}) {
    const std::string line = one_line(text);
    EXPECT_LE(line.size(), 8000U);
    EXPECT_EQ(one_line(line), line);
  }
}

TEST(Error, IsOneLineWhateverItNames) {
  EXPECT_STREQ(Error("a\nb: no such file").what(), "a\\nb: no such file");
  const UsageError faults(std::vector<std::string>{"one\n1", "two"});
  EXPECT_STREQ(faults.what(), "one\\n1\ntwo");
  EXPECT_THAT(faults.faults(), testing::ElementsAre("one\\n1", "two"));
}

TEST(UsageError, CountsWhatIsPastAHundred) {
  const UsageError faults(std::vector<std::string>(250, "fault"));
  ASSERT_EQ(faults.faults().size(), 101U);
  EXPECT_EQ(faults.faults().back(), "and 150 faults more");
}

}  // namespace
}  // namespace sft
