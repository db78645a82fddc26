// Scores held against vectors that OpenCompass 0.3.9's own functions made: needs ../shared.

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "eval/judge_protocol.h"
#include "sandbox_fixture.h"
#include "temp_folder.h"

#include "sft/core/table.h"
#include "sft/eval/scorer.h"
#include "sft/io/jsonl.h"

namespace sft {
namespace {

Extraction extract(const std::string& name, const std::string& text) {
  return find_entry(extractors(), "extractor", name).make("")(text);
}

double score(const std::string& name, const Extraction& extraction, const Question& question) {
  return find_entry(scorers(), "scorer", name).score(extraction, question);
}

Question with_reference(const std::string& reference) {
  Question question;
  question.reference = reference;
  return question;
}

// The reference's functions, as their parts here.
double call(const std::string& name, const Json& args) {
  const auto text = args[0].get<std::string>();
  if (name == "gsm8k_is_equal") {
    return score("gsm8k_equal", {.text = text, .is_found = true},
                 with_reference(args[1].get<std::string>()));
  }
  if (name == "gsm8k_end2end") {
    const Extraction gold = extract("gsm8k_gold", args[1].get<std::string>());
    return score("gsm8k_equal", extract("gsm8k_number", text), with_reference(gold.text));
  }
  if (name == "math_end2end_v2") {
    return score("math_equal", extract("math_answer", text),
                 with_reference(args[1].get<std::string>()));
  }
  Question question;
  question.references = args[1].get<std::vector<std::string>>();
  return score("nq_contains", extract("nq_answer", text), question);
}

// How verdicts are read; what the reference raises on cannot be read here.
TEST(OpenCompassVerdicts, EveryVectorPasses) {
  if (shared_folder().empty()) {
    GTEST_SKIP() << "no folder ../shared";
  }
  const std::map<std::string, int> expected = {{"mtbench_single_score", 11}, {"alpaca_v2_rank", 9}};
  std::map<std::string, int> num_vectors;
  JsonlReader reader(shared_folder() / "reference" / "opencompass" / "postprocess_vectors.jsonl");
  while (const auto row = reader.next()) {
    const auto name = row->value["fn"].get<std::string>();
    if (!expected.contains(name)) {
      continue;
    }
    ++num_vectors[name];
    const auto text = row->value["args"][0].get<std::string>();
    const Json& value = row->value["expected"];
    const std::optional<double> read = name == "alpaca_v2_rank"
                                           ? std::optional<double>(preferred_answer(text))
                                           : study_rating(text);
    EXPECT_EQ(read, value.is_number() ? std::optional(value.get<double>()) : std::nullopt)
        << row->where;
  }
  EXPECT_EQ(num_vectors, expected);
}

TEST(OpenCompassScores, EveryVectorPasses) {
  if (shared_folder().empty()) {
    GTEST_SKIP() << "no folder ../shared";
  }
  const std::map<std::string, int> expected = {
      {"gsm8k_is_equal", 12}, {"gsm8k_end2end", 7}, {"math_end2end_v2", 7}, {"nq_is_correct", 31}};
  std::map<std::string, int> num_vectors;
  JsonlReader reader(shared_folder() / "reference" / "opencompass" / "postprocess_vectors.jsonl");
  while (const auto row = reader.next()) {
    const auto name = row->value["fn"].get<std::string>();
    if (expected.contains(name)) {
      EXPECT_EQ(call(name, row->value["args"]) == 1, row->value["expected"].get<bool>())
          << row->where;
      ++num_vectors[name];
    }
  }
  EXPECT_EQ(num_vectors, expected);
}

// MBPP's outcomes, at the two seconds that the vectors were made with.
TEST_F(SandboxTest, OutcomesOfMbppAreOpenCompasss) {
  if (shared_folder().empty()) {
    GTEST_SKIP() << "no folder ../shared";
  }
  const CodeRule& rule = *find_entry(scorers(), "scorer", "mbpp_tests").code;
  std::vector<Program> programs;
  std::vector<std::string> expected;
  JsonlReader reader(shared_folder() / "reference" / "opencompass" / "postprocess_vectors.jsonl");
  while (const auto row = reader.next()) {
    if (row->value["fn"] != "mbpp_execution") {
      continue;
    }
    const Json& args = row->value["args"];
    Program program = rule.make({.text = args[0].get<std::string>(), .is_found = true},
                                with_reference(args[1].get<std::string>()));
    program.seconds = 2;
    programs.push_back(program);
    expected.push_back(row->value["expected"].get<std::string>());
  }
  ASSERT_EQ(programs.size(), 13U);
  const std::vector<ProgramEnd> ends = run_all(programs);
  for (size_t i = 0; i < ends.size(); ++i) {
    EXPECT_EQ(rule.outcomes.at(static_cast<size_t>(ends[i])), expected[i]) << programs[i].code;
  }
}

}  // namespace
}  // namespace sft
