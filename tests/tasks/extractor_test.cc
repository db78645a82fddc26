#include "sft/tasks/extractor.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sft/core/table.h"
#include "sft/io/jsonl.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

Extractor extractor(const std::string& name, const std::string& options = "") {
  return find_entry(extractors(), "extractor", name).make(options);
}

// tests/reference/make_extraction_cases.py made the cases with Python's own re and str.
TEST(Extractor, ReadsWhatPythonReads) {
  std::map<std::string, Extractor> made;
  std::map<std::string, int> num_cases;
  JsonlReader reader(std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/cases/extraction.jsonl");
  while (const auto row = reader.next()) {
    const auto rule = row->value["rule"].get<std::string>();
    if (row->value["expected"].is_boolean()) {
      continue;  // a scorer's
    }
    const std::string options = row->value.value("options", "");
    Extractor& read = made[rule + options];
    if (!read) {
      read = extractor(rule, options);
    }
    const Extraction found = read(row->value["text"].get<std::string>());
    const Json& expected = row->value["expected"];
    if (expected.is_null()) {
      EXPECT_FALSE(found.is_found) << row->where;
    } else {
      EXPECT_EQ(found.text, expected.get<std::string>()) << row->where;
      const bool may_be_empty = rule == "gsm8k_gold" || rule == "math_answer";
      const bool is_nothing = python_strip(found.text).empty() || found.text == "NULL";
      EXPECT_TRUE(may_be_empty || found.is_found != is_nothing) << row->where;
    }
    ++num_cases[rule];
  }
  EXPECT_EQ(num_cases.size(), 8);
}

struct Case {
  std::string response;
  std::string expected;  // "": nothing found
};

TEST(OptionLetter, TakesALetterThatStandsForItself) {
  const Extractor read = extractor("option_letter", "ABCD");
  for (const Case& c : std::vector<Case>{{"B", "B"},
                                         {" B\n", "B"},
                                         {"B.", "B"},
                                         {"B. No", "B"},
                                         {"(C) the third", "C"},
                                         {"**D**", "D"},
                                         {"[A]", "A"},
                                         {"A\n###Question: which? B", "A"},
                                         {"A###Question: which? B", "A"},
                                         {"A.###Question", "A"},
                                         {"C: because", "C"},
                                         {"A dog", ""},
                                         {"Answer: B", ""},
                                         {"AB", ""},
                                         {"B.b", ""},
                                         {"E", ""},
                                         {"b", ""},
                                         {"The answer is B", ""},
                                         {"", ""}}) {
    const Extraction found = read(c.response);
    EXPECT_EQ(found.text, c.expected) << c.response;
    EXPECT_EQ(found.is_found, !c.expected.empty()) << c.response;
  }
}

TEST(FinalNumber, TakesTheBoxedOrElseTheLastNumber) {
  const Extractor read = extractor("final_number");
  for (const Case& c : std::vector<Case>{{"It is 1,234.", "1234"},
                                         {"$1,234,567.50 in all", "1234567.50"},
                                         {"first 5, then 7", "7"},
                                         {"\\boxed{18} is 3 more than 15", "18"},
                                         {"\\boxed{\\text{about } 42 \\text{ cm}} 7", "42"},
                                         {"\\boxed{x} but 9", "9"},
                                         {"\\boxed{12", "12"},
                                         {"5-3", "3"},
                                         {"x = -3", "-3"},
                                         {"(-3)", "-3"},
                                         {"-$40", "-40"},
                                         {"$-40", "-40"},
                                         {"\u22127 degrees", "-7"},
                                         {"1, 2, 3", "3"},
                                         {"0.5", "0.5"},
                                         {".5", ".5"},
                                         {"\uff11\uff12", "12"},
                                         {"#### 72\n\n###Question: 99 apples", "72"},
                                         {"2024-05-06", "06"},
                                         {"none", ""},
                                         {"", ""}}) {
    const Extraction found = read(c.response);
    EXPECT_EQ(found.text, c.expected) << c.response;
    EXPECT_EQ(found.is_found, !c.expected.empty()) << c.response;
  }
}

void expect_readings(const Extractor& read, const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const Extraction found = read(c.response);
    EXPECT_EQ(found.text, c.expected) << c.response;
    EXPECT_EQ(found.is_found, !c.expected.empty()) << c.response;
  }
}

TEST(FinalMath, TakesTheBoxTheStatementOrTheLastNumber) {
  expect_readings(extractor("final_math"), {{"so \\boxed{\\frac{1}{2}} and 3", "\\frac{1}{2}"},
                                            {"\\boxed{1} or \\boxed{ {2} }", "{2}"},
                                            {"The answer is $\\sqrt{2}$, near 1.4", "\\sqrt{2}"},
                                            {"The answer is \\(x+1\\).", "x+1"},
                                            {"We get $x$. The answer is 1,234.", "1234"},
                                            {"\\boxed{} 5", "5"},
                                            {"\\boxed{7}\n###Question: \\boxed{8}", "7"},
                                            {"no idea", ""}});
}

TEST(FunctionBody, EndsWhereTheFunctionEnds) {
  expect_readings(
      extractor("function_body"),
      {{"    return 1\n\ndef g():\n    pass\n", "    return 1\n"},
       {"    return 1\n# Test\nprint(2)", "    return 1"},
       {"```python\ndef f():\n    return 1\nprint(2)\n```", "def f():\n    return 1\nprint(2)\n"},
       {"    if x:\n        return 2\n    return 1", "    if x:\n        return 2\n    return 1"}});
}

TEST(FirstLine, IsComparedWithoutArticlesAndPunctuation) {
  expect_readings(
      extractor("first_line"),
      {{" The U.S. Army\nand more", "us army"}, {"\n\nan Apple-pie!", "applepie"}, {"...", ""}});
}

TEST(Pattern, TakesTheFirstGroup) {
  // OpenCompass's match_answer_pattern
  expect_readings(extractor("pattern", R"((?i)ANSWER\s*:\s*([A-D]))"),
                  {{"There is ANSWER: c", "c"}, {"ANSWER: $B", ""}});
  expect_readings(extractor("pattern", R"(\d+)"), {{"a 12 b 3", "12"}});
}

// A long answer without an end costs a search of each pattern, not of all their combinations.
TEST(MbppCode, EndsOnHostileAnswers) {
  const Extractor read = extractor("mbpp_code");
  for (const std::string piece : {"[BEGIN] '", "BEGIN ", "``` ", "' ", "[BEGIN]\n  \n"}) {
    std::string response;
    while (response.size() < 4000) {
      response += piece;
    }
    const auto start = std::chrono::steady_clock::now();
    read(response);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60)) << piece;
  }
}

// Answers that make patterns backtrack from every place end within the bounds of a search.
TEST(FirstOption, EndsOnHostileAnswers) {
  const Extractor read = extractor("first_option", "ABCD");
  for (const std::string piece : {"the correct answer is ", "答案是", "1", "1. ", "选项", " "}) {
    std::string response;
    while (response.size() < 50'000) {
      response += piece;
    }
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(read(response).is_found) << piece;
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60)) << piece;
  }
}

}  // namespace
}  // namespace sft
