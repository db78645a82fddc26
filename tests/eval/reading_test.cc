// Tasks whose answers are programs, with a code runner that runs none.

#include "eval/reading.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sft/eval/task_score.h"
#include "sft/tasks/task_selection.h"

namespace sft {
namespace {

// Takes what stands in the code for how it came out.
class FakeRunner final : public CodeRunner {
 public:
  std::vector<ProgramEnd> run(std::span<const Program> programs,
                              const OnDone& on_done) const override {
    std::vector<ProgramEnd> ends;
    for (const Program& program : programs) {
      seen.push_back(program);
      const bool has_imports = program.tests.find("import") != std::string::npos;
      ends.push_back(program.code.find("late") != std::string::npos    ? ProgramEnd::kTimedOut
                     : program.code.find("wrong") != std::string::npos ? ProgramEnd::kAssertion
                     : program.code.find("math") != std::string::npos && !has_imports
                         ? ProgramEnd::kFailed
                         : ProgramEnd::kPassed);
      on_done();
    }
    return ends;
  }
  const std::string& interpreter() const override { return interpreter_; }

  mutable std::vector<Program> seen;

 private:
  std::string interpreter_ = "Python 0";
};

TaskChoice task(const std::string& name) {
  std::filesystem::current_path(SFT_TEST_SOURCE_DIR);
  return choose_tasks(name).at(0);
}

Question mbpp_question() {
  Question question;
  question.columns = {{"test_imports", "import math"}};
  question.reference = "assert f(1) == 2";
  return question;
}

TEST(Reading, OfProgramsCountsTheirOutcomes) {
  const std::vector<Question> questions(4, mbpp_question());
  std::vector<Response> responses(4);
  responses[0].text = "[BEGIN]\nright\n[DONE]";
  responses[1].text = "[BEGIN]\nwrong\n[DONE]";
  responses[2].text = "[BEGIN]\nmath\n[DONE]";
  responses[3].text = "[BEGIN]\nlate\n[DONE]";
  const FakeRunner runner;
  size_t num_done = 0;
  const TaskOutcome outcome = score_task(task("mbpp:0"), questions, responses,
                                         {.runner = &runner, .on_done = [&] { ++num_done; }});
  EXPECT_EQ(num_done, 8U);
  EXPECT_EQ(outcome.entry.value.score, 25);
  EXPECT_EQ(outcome.entry.strict->score, 50);
  const std::vector<std::pair<std::string, int64_t>> expected = {
      {"pass", 1}, {"wrong_answer", 1}, {"failed", 1}, {"timeout", 1}};
  EXPECT_EQ(outcome.entry.outcomes, expected);
  EXPECT_EQ(outcome.samples[2].outcome, "failed");
  EXPECT_EQ(outcome.samples[2].strict->outcome, "pass");
  EXPECT_EQ(outcome.samples[3].outcome, "timeout");
}

TEST(Reading, MakesMbppsProgramWithAndWithoutImports) {
  const FakeRunner runner;
  std::vector<Response> responses(1);
  responses[0].text = "[BEGIN]\nright\n[DONE]";
  score_task(task("mbpp:0"), std::vector{mbpp_question()}, responses, {.runner = &runner});
  ASSERT_EQ(runner.seen.size(), 2U);
  EXPECT_EQ(runner.seen[0].code, "right");
  EXPECT_EQ(runner.seen[0].tests, "assert f(1) == 2");
  EXPECT_EQ(runner.seen[0].seconds, 9);
  EXPECT_EQ(runner.seen[1].tests, "import math\nassert f(1) == 2");
}

TEST(Reading, MakesHumanEvalsProgramOfPromptAndAnswer) {
  Question question;
  question.columns = {
      {"prompt", "def f(x):\n"}, {"test", "def check(c): pass"}, {"entry_point", "f"}};
  const FakeRunner runner;
  std::vector<Response> responses(1);
  responses[0].text = "    return x\n\ndef g(): late";
  const TaskOutcome outcome =
      score_task(task("humaneval:0"), std::vector{question}, responses, {.runner = &runner});
  ASSERT_EQ(runner.seen.size(), 2U);
  EXPECT_EQ(runner.seen[0].code, "def f(x):\n    return x\n\ndef g(): late");
  EXPECT_EQ(runner.seen[0].check, "check");
  EXPECT_EQ(runner.seen[0].entry, "f");
  EXPECT_EQ(runner.seen[0].seconds, 3);
  EXPECT_EQ(runner.seen[1].code, "def f(x):\n    return x\n");
  const std::vector<std::pair<std::string, int64_t>> expected = {
      {"passed", 0}, {"failed", 0}, {"timed out", 1}};
  EXPECT_EQ(outcome.entry.outcomes, expected);
  EXPECT_EQ(outcome.entry.strict->score, 100);
}

TEST(Reading, OfOtherAnswersHasNoOutcomes) {
  Question question;
  question.reference = "A";
  std::vector<Response> responses(1);
  responses[0].text = "A";
  const TaskOutcome outcome = score_task(task("boolq:0"), std::vector{question}, responses);
  EXPECT_TRUE(outcome.entry.outcomes.empty());
  EXPECT_EQ(outcome.samples[0].outcome, "");
}

}  // namespace
}  // namespace sft
