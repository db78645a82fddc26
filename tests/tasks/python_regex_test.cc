#include "sft/tasks/python_regex.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sft/core/error.h"

namespace sft {
namespace {

std::vector<std::string> all(const std::string& pattern, const std::string& text) {
  std::vector<std::string> found;
  for (const PythonRegex::Match& match : PythonRegex(pattern).find_all(text)) {
    found.emplace_back(*match.groups.at(0));
  }
  return found;
}

TEST(PythonRegex, DollarMatchesAtTheEndAndBeforeAFinalNewline) {
  EXPECT_TRUE(PythonRegex("a$").search("a"));
  EXPECT_TRUE(PythonRegex("a$").search("a\n"));
  EXPECT_FALSE(PythonRegex("a$").search("a\n\n"));
  EXPECT_FALSE(PythonRegex("a$").search("a\nb"));
  EXPECT_FALSE(PythonRegex("a$").search("a\r"));
}

TEST(PythonRegex, DotTakesNewlines) {
  EXPECT_TRUE(PythonRegex("a.b").search("a\nb"));
}

TEST(PythonRegex, BraceThatIsNoQuantifierIsItself) {
  EXPECT_TRUE(PythonRegex("boxed{([AB])}").search("boxed{B}"));
}

TEST(PythonRegex, ClassesInsideBracketsAreTranslated) {
  EXPECT_TRUE(PythonRegex(R"([\s:])").search("\u001c"));
  EXPECT_FALSE(PythonRegex(R"([\s:])").search("\u180e"));
  EXPECT_TRUE(PythonRegex(R"([^\s])").search("\u180e"));
  EXPECT_TRUE(PythonRegex(R"([[(])").search("["));
  EXPECT_TRUE(PythonRegex(R"([]x])").search("]"));
  EXPECT_FALSE(PythonRegex(R"([^]x])").search("]"));
  EXPECT_TRUE(PythonRegex(R"(\[\])").search("[]"));
}

TEST(PythonRegex, WordBoundariesAreUnicode) {
  EXPECT_EQ(all(R"(\b(?:a|an)\b)", "a éa ana an"), (std::vector<std::string>{"a", "an"}));
}

TEST(PythonRegex, FindsEmptyMatchesAsPythonDoes) {
  // re.findall("x*", "axbxx") of Python 3.11
  EXPECT_EQ(all("x*", "axbxx"), (std::vector<std::string>{"", "x", "", "xx", ""}));
  EXPECT_EQ(all("", "é").size(), 2);
}

TEST(PythonRegex, GroupsThatTookNoPartAreNone) {
  const auto match = PythonRegex("(a)|(b)(c)?").search("b");
  ASSERT_TRUE(match);
  ASSERT_EQ(match->groups.size(), 4);
  EXPECT_FALSE(match->groups[1]);
  EXPECT_EQ(match->groups[2], "b");
  EXPECT_FALSE(match->groups[3]);
}

TEST(PythonRegex, InlineFlagsHoldForTheWholePattern) {
  EXPECT_TRUE(PythonRegex("(?i)answer").search("ANſWER"));
}

TEST(PythonRegex, GivesUpOnEndlessBacktracking) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(PythonRegex("(?:a|aa)+c").search(std::string(5000, 'a')));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST(PythonRegex, DotStopsAtNewlinesWhereAskedTo) {
  const PythonRegex line("a(.*)", PythonRegex::Dot::kNotNewline);
  EXPECT_EQ(line.search("xab\r\nc")->groups.at(1), "b\r");
}

TEST(PythonRegex, ReplacesAsPythonDoes) {
  // re.sub of Python 3.11
  EXPECT_EQ(PythonRegex("(a)(x)?").replace_all("a ax b", "[\\1|\\2]"), "[a|] [a|x] b");
  EXPECT_EQ(PythonRegex("x*").replace_all("axb", "-"), "-a--b-");
  EXPECT_EQ(PythonRegex("b").replace_all("abc", "\\n"), "a\\nc");
}

TEST(PythonRegex, SaysWhatIsWrongWithAPattern) {
  for (const char* const pattern : {"(a", "[a", "[\\S]"}) {
    EXPECT_THROW(PythonRegex{pattern}, UsageError) << pattern;
  }
}

TEST(PythonRegex, TakesBrokenUtf8) {
  EXPECT_TRUE(PythonRegex("b").search("\xff\xfe b"));
}

}  // namespace
}  // namespace sft
