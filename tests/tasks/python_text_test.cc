#include "sft/tasks/python_text.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sft/io/json.h"
#include "sft/tasks/python_regex.h"

namespace sft {
namespace {

// Code points in the ranges of one list of tests/cases/python_characters.json.
std::vector<bool> members(const Json& characters, const std::string& list) {
  std::vector<bool> is_member(0x110000);
  for (const Json& range : characters[list]) {
    for (size_t code = range[0]; code <= range[1].get<size_t>(); ++code) {
      is_member[code] = true;
    }
  }
  return is_member;
}

std::string utf8(char32_t code) {
  std::string text;
  const auto add = [&text](char32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
    add(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  }
  return text;
}

// Every character that Python's Unicode knows has the properties that Python gives it; a character
// of later versions may have others. The list is made by tests/reference/make_extraction_cases.py.
TEST(PythonText, CharactersHavePythonsProperties) {
  const Json characters =
      read_json(std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/cases/python_characters.json");
  const std::vector<bool> assigned = members(characters, "assigned");
  const std::vector<bool> upper = members(characters, "upper");
  const std::vector<bool> space = members(characters, "space");
  const std::vector<bool> decimal = members(characters, "decimal");
  const std::vector<bool> word = members(characters, "word");
  const std::vector<bool> digit = members(characters, "digit");
  const PythonRegex is_space(R"(\s)");
  const PythonRegex is_digit(R"(\d)");
  const PythonRegex is_word(R"(\w)");
  int num_wrong = 0;
  for (char32_t code = 0; code < assigned.size(); ++code) {
    if (!assigned[code]) {
      continue;
    }
    const std::string text = utf8(code);
    const bool is_right =
        is_python_upper(code) == upper[code] && is_python_space(code) == space[code] &&
        is_python_digit(code) == digit[code] && is_space.search(text).has_value() == space[code] &&
        is_digit.search(text).has_value() == decimal[code] &&
        is_word.search(text).has_value() == word[code] &&
        (with_ascii_digits(text) == text) == (!decimal[code] || code < 0x80);
    if (!is_right && ++num_wrong <= 10) {
      ADD_FAILURE() << std::hex << static_cast<uint32_t>(code);
    }
  }
  EXPECT_EQ(num_wrong, 0);
}

TEST(PythonText, StripTakesUnicodeBlanks) {
  EXPECT_EQ(python_strip("\u3000 a\u001cb \u0085\n"), "a\u001cb");
  EXPECT_EQ(python_strip(" \t"), "");
  EXPECT_EQ(python_strip("\u180ea"), "\u180ea");
}

TEST(PythonText, BrokenUtf8IsTakenByteByByte) {
  EXPECT_EQ(python_strip("\xff a \xe3\x80"), "\xff a \xe3\x80");
  EXPECT_EQ(code_point_at("\xe3\x80", 0).num_bytes, 1);
}

TEST(PythonText, DigitsOfAllScriptsHaveTheirValues) {
  EXPECT_EQ(
      with_ascii_digits("\u0660\u0669 \uff10\uff19 \U0001d7ce\U0001d7d7\U0001d7d8\U0001d7ff x²"),
      "09 09 0909 x²");
}

// Python's str.lower, made by tests/reference/make_extraction_cases.py.
TEST(PythonText, LowersAsPythonDoes) {
  const Json cases =
      read_json(std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/cases/python_lower.json");
  for (const auto& [text, lower] : cases.items()) {
    EXPECT_EQ(python_lower(text), lower.get<std::string>()) << text;
  }
  EXPECT_GE(cases.size(), 1000);
  EXPECT_EQ(python_lower("A\xff\xc3"), "a\xff\xc3");
}

TEST(PythonText, CapitalizesTheFirstCharacterAlone) {
  EXPECT_EQ(python_capitalize("he RAN"), "He ran");
  EXPECT_EQ(python_capitalize("\u00e9T\u00c9"), "\u00c9t\u00e9");
  EXPECT_EQ(python_capitalize("\u01c6x"), "\u01c5x");
  EXPECT_EQ(python_capitalize(""), "");
}

TEST(PythonText, ReplacesFromTheLeft) {
  EXPECT_EQ(python_replace("aaa", "aa", "b"), "ba");
  EXPECT_EQ(python_replace("a.a", "a", "aa"), "aa.aa");
}

TEST(PythonText, FloatTakesWhatPythonTakes) {
  struct Case {
    std::string text;
    std::optional<double> value;
  };
  for (const Case& c : std::vector<Case>{{"1.5", 1.5},
                                         {" 1.5\n", 1.5},
                                         {"+2", 2},
                                         {"-.5", -0.5},
                                         {"1.", 1},
                                         {"1_0.0_1", 10.01},
                                         {"1e3", 1000},
                                         {"\uff13", 3},
                                         {"inf", INFINITY},
                                         {"-Infinity", -INFINITY},
                                         {"1e999", INFINITY},
                                         {"1e-999", 0},
                                         {"1__0", std::nullopt},
                                         {"_1", std::nullopt},
                                         {"", std::nullopt},
                                         {"NULL", std::nullopt},
                                         {"0x10", std::nullopt},
                                         {"+-1", std::nullopt},
                                         {"nan(1)", std::nullopt},
                                         {"1,5", std::nullopt},
                                         {"1 5", std::nullopt}}) {
    EXPECT_EQ(python_float(c.text), c.value) << c.text;
  }
}

TEST(PythonText, IntTakesWholeNumbersAlone) {
  EXPECT_EQ(python_int(" -12 "), -12);
  EXPECT_EQ(python_int("1_2"), 12);
  EXPECT_EQ(python_int("12.0"), std::nullopt);
  EXPECT_EQ(python_int("1e3"), std::nullopt);
  EXPECT_EQ(python_int("-"), std::nullopt);
  EXPECT_EQ(python_int("inf"), std::nullopt);
}

}  // namespace
}  // namespace sft
