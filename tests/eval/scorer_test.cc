#include "sft/eval/scorer.h"

#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/core/error.h"
#include "sft/core/table.h"
#include "sft/io/jsonl.h"

namespace sft {
namespace {

double score(const std::string& name, const std::string& text, const std::string& reference) {
  ReadingSpec reading;
  reading.score = name;
  Question question;
  question.reference = reference;
  return find_scorer(reading).score({.text = text, .is_found = !text.empty()}, question);
}

// tests/reference/make_extraction_cases.py made the cases with Python's own float, int and re.
TEST(Scorer, AgreesWithPython) {
  std::map<std::string, int> num_cases;
  std::map<std::string, Extractor> extractor_of = {
      {"nq_contains", find_entry(extractors(), "extractor", "nq_answer").make("")}};
  JsonlReader reader(std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/cases/extraction.jsonl");
  while (const auto row = reader.next()) {
    if (!row->value["expected"].is_boolean()) {
      continue;  // an extractor's
    }
    const auto rule = row->value["rule"].get<std::string>();
    Question question;
    question.reference = row->value.value("reference", "");
    if (row->value.contains("references")) {
      question.references = row->value["references"].get<std::vector<std::string>>();
    }
    const auto text = row->value["text"].get<std::string>();
    const auto read = extractor_of.find(rule);
    const Extraction extraction = read == extractor_of.end()
                                      ? Extraction{.text = text, .is_found = !text.empty()}
                                      : read->second(text);
    EXPECT_EQ(find_entry(scorers(), "scorer", rule).score(extraction, question) == 1,
              row->value["expected"].get<bool>())
        << row->where;
    ++num_cases[rule];
  }
  EXPECT_EQ(num_cases.size(), 3);
}

TEST(AliasEqual, NeedsTheWholeName) {
  ReadingSpec reading;
  reading.score = "alias_equal";
  Question question;
  question.references = {"The Beatles", "Fab Four!"};
  const Scorer score = find_scorer(reading).score;
  EXPECT_EQ(score({.text = "beatles", .is_found = true}, question), 1);
  EXPECT_EQ(score({.text = "fab four", .is_found = true}, question), 1);
  EXPECT_EQ(score({.text = "beatles of liverpool", .is_found = true}, question), 0);
}

TEST(NumberEqual, ComparesDecimalNumbersExactly) {
  struct Case {
    std::string one;
    std::string other;
    double score;
  };
  for (const Case& c : std::vector<Case>{{"18", "18", 1},
                                         {"18.00", "18", 1},
                                         {"018", "18", 1},
                                         {".5", "0.50", 1},
                                         {"-0", "0", 1},
                                         {"0.0", "0", 1},
                                         {"18", " 18\n", 1},
                                         {"100", "10", 0},
                                         {"-5", "5", 0},
                                         {"18.0000001", "18", 0},
                                         {"123456789012345678901", "123456789012345678902", 0},
                                         {"", "0", 0}}) {
    EXPECT_EQ(score("number_equal", c.one, c.other), c.score) << c.one << " " << c.other;
  }
}

TEST(Equal, ComparesTexts) {
  EXPECT_EQ(score("equal", "A", "A"), 1);
  EXPECT_EQ(score("equal", "A ", "A"), 0);
}

TEST(FindScorer, SaysWhereAnUnknownOneStands) {
  ReadingSpec reading;
  reading.score = "equals";
  reading.where = "mine.yaml:7:1";
  EXPECT_THAT([&] { find_scorer(reading); }, testing::ThrowsMessage<UsageError>(testing::AllOf(
                                                 testing::StartsWith("mine.yaml:7:1: "),
                                                 testing::HasSubstr("did you mean 'equal'"))));
}

}  // namespace
}  // namespace sft
