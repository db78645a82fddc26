#include "sft/tasks/extractor.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sft/core/table.h"
#include "sft/io/jsonl.h"

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
    if (rule == "gsm8k_equal") {
      continue;  // a scorer
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
      const bool is_nothing = rule != "gsm8k_gold" && (expected == "" || expected == "NULL");
      EXPECT_EQ(found.is_found, !is_nothing) << row->where;
    }
    ++num_cases[rule];
  }
  EXPECT_EQ(num_cases.size(), 4);
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
