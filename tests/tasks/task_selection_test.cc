#include "sft/tasks/task_selection.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/core/resources.h"

namespace sft {
namespace {

using testing::HasSubstr;

constexpr const char* kSmallTask = R"(
name: small
file: small/test.jsonl
columns: {question: "{q}", label: "{a}"}
answer: label
metric: accuracy
study: {extract: first_option, options: AB, score: equal}
shots:
  2:
    exemplars: {file: small/dev.jsonl, rows: [3, 1], rounds: [{human: "{question}"}]}
    rounds: [{human: "{question}"}]
  0: {rounds: [{human: "{question}"}]}
)";

// Tests run in the build folder; the program's own tasks are found from the checkout.
class ChooseTasks : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::current_path(SFT_TEST_SOURCE_DIR); }
  void TearDown() override { std::filesystem::current_path(before_); }

 private:
  std::filesystem::path before_ = std::filesystem::current_path();
};

std::vector<std::string> names(const std::vector<TaskChoice>& tasks) {
  std::vector<std::string> result;
  for (const TaskChoice& task : tasks) {
    result.push_back(task.spec.name + ":" + std::to_string(task.shot.shots));
  }
  return result;
}

TEST_F(ChooseTasks, TakesNamesShotsAndPathsInOrder) {
  const TempFolder folder;
  const std::filesystem::path path = folder.write("mine.yaml", kSmallTask);
  EXPECT_EQ(names(choose_tasks("mmlu:5,gsm8k," + path.string() + ":0," + path.string())),
            (std::vector<std::string>{"mmlu:5", "gsm8k:0", "small:0", "small:2"}));
}

TEST_F(ChooseTasks, AGroupIsItsTasksEachOnce) {
  const TaskSelection paper = select_tasks("gsm8k:4,paper", Judge::kNone);
  EXPECT_EQ(names(paper.tasks),
            (std::vector<std::string>{"gsm8k:4", "math:0", "mbpp:3", "humaneval:0", "hellaswag:10",
                                      "nq:1", "boolq:5", "mmlu:5"}));
  EXPECT_EQ(paper.left_out, (std::vector<std::string>{"mt_bench", "alpaca_eval"}));
}

TEST_F(ChooseTasks, AllHoldsEveryShotOfTheStudy) {
  EXPECT_EQ(select_tasks("all", Judge::kNone).tasks.size(), 16);
}

// Every task file of the program can be read, whether a group names it or not.
TEST_F(ChooseTasks, EveryTaskFileIsSound) {
  for (const std::string& name : config_names("tasks")) {
    EXPECT_NO_THROW(choose_tasks(name)) << name;
  }
  for (const char* const name :
       {"truthfulqa:0", "cmmlu:0", "jmmlu:0", "arc:0", "piqa:0", "winogrande:0", "triviaqa:0"}) {
    EXPECT_FALSE(choose_tasks(name).at(0).spec.is_verified) << name;
  }
}

TEST_F(ChooseTasks, ATaskNamedTwiceIsAskedOnce) {
  EXPECT_EQ(names(choose_tasks("gsm8k,boolq,gsm8k:0")),
            (std::vector<std::string>{"gsm8k:0", "boolq:0"}));
}

TEST_F(ChooseTasks, AllWrongNamesComeOutTogether) {
  try {
    choose_tasks("gsm8:0,boolq:3,nowhere/x.yaml,");
    FAIL();
  } catch (const UsageError& error) {
    ASSERT_EQ(error.faults().size(), 4) << error.what();
    EXPECT_THAT(error.faults()[0], HasSubstr("did you mean 'gsm8k'?"));
    EXPECT_THAT(error.faults()[0], HasSubstr("paper"));
    EXPECT_THAT(error.faults()[1], HasSubstr("known: boolq:0, boolq:5"));
    EXPECT_THAT(error.faults()[2], HasSubstr("no such task file"));
  }
}

TEST_F(ChooseTasks, AJudgedTaskNeedsAJudge) {
  EXPECT_EQ(names(select_tasks("mt_bench,alpaca_eval:0", Judge::kConfigured).tasks),
            (std::vector<std::string>{"mt_bench:0", "alpaca_eval:0"}));
  EXPECT_THAT([] { select_tasks("gsm8k,mt_bench", Judge::kNone); },
              testing::ThrowsMessage<UsageError>(
                  testing::AllOf(HasSubstr("--tasks mt_bench"), HasSubstr("SFT_JUDGE_URL"))));
  const TaskSelection paper = select_tasks("paper", Judge::kConfigured);
  EXPECT_TRUE(paper.left_out.empty());
  EXPECT_THAT(names(paper.tasks), testing::IsSupersetOf({"mt_bench:0", "alpaca_eval:0"}));
}

}  // namespace
}  // namespace sft
