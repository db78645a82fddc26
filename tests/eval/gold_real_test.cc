// The benchmark's own answers given as responses, scored: needs ../shared.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/eval/task_score.h"
#include "sft/tasks/question.h"

namespace sft {
namespace {

TaskOutcome score_gold(const std::string& task, const std::string& column) {
  const TaskChoice choice = choose_tasks(task).at(0);
  const TaskData data = load_task_data(choice, shared_folder() / "data" / "bench", {});
  std::vector<Response> responses;
  for (const Question& question : data.questions) {
    responses.push_back(
        {.text = column_text(question.columns, column), .generation = std::nullopt});
  }
  return score_task(choice, data.questions, responses);
}

class Gold : public testing::Test {
 protected:
  void SetUp() override {
    if (shared_folder().empty()) {
      GTEST_SKIP() << "no folder ../shared";
    }
    std::filesystem::current_path(SFT_TEST_SOURCE_DIR);
  }
};

// The study's rule ends a number at a comma: 14 answers of GSM8K are lost by it.
TEST_F(Gold, OfGsm8kIsRightButForTheStudysCommas) {
  const ResultEntry entry = score_gold("gsm8k:0", "answer").entry;
  EXPECT_DOUBLE_EQ(entry.value.score, 100.0 * 1305 / 1319);
  EXPECT_DOUBLE_EQ(entry.strict->score, 100);
}

TEST_F(Gold, OfBoolqAndMmluIsRight) {
  for (const auto& [task, column] :
       {std::pair("boolq:0", "label"), std::pair("mmlu:0", "target")}) {
    const ResultEntry entry = score_gold(task, column).entry;
    EXPECT_DOUBLE_EQ(entry.value.score, 100) << task;
    EXPECT_DOUBLE_EQ(entry.strict->score, 100) << task;
  }
}

// The study's BoolQ has 2,033 questions whose answer is A.
TEST_F(Gold, OfAConstantAnswerIsItsShare) {
  const TaskChoice boolq = choose_tasks("boolq:0").at(0);
  const TaskData data = load_task_data(boolq, shared_folder() / "data" / "bench", {});
  const std::vector<Response> responses(data.questions.size(),
                                        {.text = "A", .generation = std::nullopt});
  EXPECT_DOUBLE_EQ(score_task(boolq, data.questions, responses).entry.value.score,
                   100 * (2033.0 / 3270));
}

}  // namespace
}  // namespace sft
