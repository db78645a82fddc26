// The benchmark's own answers given as responses, scored: needs ../shared.

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/eval/task_score.h"
#include "sft/tasks/question.h"
#include "sft/tasks/task_selection.h"

namespace sft {
namespace {

TaskOutcome score_gold(const std::string& task, const std::string& column) {
  const TaskChoice choice = choose_tasks(task).at(0);
  const TaskData data = load_task_data(choice, shared_folder() / "data" / "bench", {});
  std::vector<Response> responses;
  for (const Question& question : data.questions) {
    Response response;
    response.text = column_text(question.columns, column);
    responses.push_back(std::move(response));
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

TEST_F(Gold, OfMathIsRightByBothRules) {
  const ResultEntry entry = score_gold("math:0", "solution").entry;
  EXPECT_EQ(entry.n, 5000);
  EXPECT_DOUBLE_EQ(entry.value.score, 100);
  EXPECT_DOUBLE_EQ(entry.strict->score, 100);
}

// Answers that a model should not be given points for: another question's.
TEST_F(Gold, OfMathIsWrongForTheNextQuestion) {
  const TaskChoice math = choose_tasks("math:0").at(0);
  const TaskData data = load_task_data(math, shared_folder() / "data" / "bench", {});
  std::vector<Response> responses(data.questions.size());
  int64_t num_equal_texts = 0;
  for (size_t i = 0; i < data.questions.size(); ++i) {
    const Question& next = data.questions[(i + 1) % data.questions.size()];
    responses[i].text = "\\boxed{" + next.reference + "}";
    num_equal_texts += next.reference == data.questions[i].reference ? 1 : 0;
  }
  const ResultEntry entry = score_task(math, data.questions, responses).entry;
  const double percent_equal = 100.0 * static_cast<double>(num_equal_texts) / 5000;
  EXPECT_GE(entry.strict->score, percent_equal);
  EXPECT_LT(entry.strict->score, percent_equal + 0.5);
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
  Response constant;
  constant.text = "A";
  const std::vector<Response> responses(data.questions.size(), constant);
  EXPECT_DOUBLE_EQ(score_task(boolq, data.questions, responses).entry.value.score,
                   100 * (2033.0 / 3270));
}

}  // namespace
}  // namespace sft
