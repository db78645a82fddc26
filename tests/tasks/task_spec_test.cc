#include "sft/tasks/task_spec.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const std::string kSmallTask = R"(
name: small
file: small/test.jsonl
columns: {question: "{q}", label: "{a}"}
answer: label
metric: accuracy
study: {extract: first_option, options: AB, score: equal}
shots:
  2:
    exemplars:
      file: small/dev.jsonl
      rows: [3, 1]
      rounds: [{human: "{question}"}, {bot: "{label}"}]
    rounds: [{human: "{question} \\boxed{}"}]
    stops: ["\n"]
  0:
    rounds: [{human: "{question}"}]
    max_new_tokens: 7
)";

TaskSpec task_of(const std::string& yaml) {
  return read_task(ConfigNode::parse(yaml, "small.yaml"));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(TaskSpec, ReadsShotsInTheFilesOrder) {
  const TaskSpec task = task_of(kSmallTask);
  ASSERT_EQ(task.shots.size(), 2);
  EXPECT_EQ(task.shots[0].shots, 2);
  EXPECT_EQ(task.shots[0].exemplars->rows, (std::vector<int64_t>{3, 1}));
  EXPECT_EQ(task.shots[0].stops, std::vector<std::string>{"\n"});
  EXPECT_EQ(task.find_shots(0)->max_new_tokens, 7);
  EXPECT_EQ(task.find_shots(5), nullptr);
}

TEST(TaskSpec, LengthIsInheritedWhereNoneIsSet) {
  EXPECT_EQ(task_of(kSmallTask).find_shots(2)->max_new_tokens, 100);
}

struct Fault {
  std::string from;
  std::string to;
  std::string message;
};

TEST(TaskSpec, FaultsSayWhatIsMeant) {
  for (const Fault& c : std::vector<Fault>{
           {"file: small", "file: ../small", "must be a path under the data folder"},
           {"answer: label", "answer: lable", "did you mean 'label'?"},
           {"first_option", "first_opton", "unknown extractor 'first_opton' (did you mean"},
           {", options: AB", "", "needs 'options'"},
           {"options: AB", "options: AA", "needs 'options'"},
           {"extract: first_option", "extract: first_capital", "has no use for 'options'"},
           {"[3, 1]", "[3]", "lists 1 rows for 2 shots"},
           {"metric: accuracy\n", "", "'metric' is missing"},
           {"{question} \\\\boxed", "{questoin} \\\\boxed", "did you mean 'question'?"},
           {"[{human: \"{question}\"}]", "[{bot: x}]", "must begin with an item {human: TEXT}"},
           {"[{human: \"{question}\"}]", "[{humen: x}]", "{human: TEXT} or {bot: TEXT}"},
           {"  0:\n", "  zero:\n", "must be a number of worked examples"},
           {"  0:\n", "  1:\n", "1 shots need 'exemplars'"},
           {"  0:\n", "  02:\n", "2 shots are there twice"},
           {"stops: [\"\\n\"]", "stops: [\"\"]", "an empty text would stop every response"},
           {"max_new_tokens: 7", "max_new_tokens: 0", "max_new_tokens"},
           {"metric: accuracy", "metric: accuracy\naverage: groups", "need a 'group'"},
           {"rows: [3, 1]", "rows: [3, 1]\n      same_group: true", "needs the task to have"},
           {"max_new_tokens: 7", "max_new_token: 7", "did you mean 'max_new_tokens'?"}}) {
    EXPECT_THAT([&] { task_of(replaced(kSmallTask, c.from, c.to)); },
                ThrowsMessage<UsageError>(HasSubstr(c.message)))
        << c.to;
  }
}

TEST(TaskSpec, AllFaultsComeOutTogetherWithTheirPlaces) {
  std::string yaml = replaced(kSmallTask, "answer: label", "answer: lable");
  yaml = replaced(yaml, "[3, 1]", "[3]");
  yaml = replaced(yaml, "max_new_tokens: 7", "max_new_tokens: no");
  try {
    task_of(yaml);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.faults().size(), 3) << error.what();
    EXPECT_THAT(error.faults().at(0), HasSubstr("small.yaml:5:1: "));
  }
}

TEST(TaskSpec, NeedsAtLeastOneNumberOfShots) {
  const std::string yaml = kSmallTask.substr(0, kSmallTask.find("shots:")) + "shots: {}\n";
  EXPECT_THAT([&] { task_of(yaml); }, ThrowsMessage<UsageError>(HasSubstr("at least one entry")));
}

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

TEST_F(ChooseTasks, AnEmptyListIsEverything) {
  const std::vector<std::string> all = names(choose_tasks(""));
  for (const char* const name : {"gsm8k:0", "gsm8k:4", "boolq:0", "boolq:5", "mmlu:0", "mmlu:5"}) {
    EXPECT_EQ(std::count(all.begin(), all.end(), name), 1) << name;
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
    EXPECT_THAT(error.faults()[1], HasSubstr("known: boolq:0, boolq:5"));
    EXPECT_THAT(error.faults()[2], HasSubstr("no such task file"));
  }
}

}  // namespace
}  // namespace sft
