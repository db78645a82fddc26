#include "sft/tasks/task_spec.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

constexpr const char* kChoices = R"(
name: pick
verified: false
file: pick.json
rows: {first: 2, last: 5}
columns: {q: "{q}", label: "{a}"}
answer: label
references: "{all}"
subscores: {level: "{l}"}
choices: ["{c[0]}", {value: "{rest}", split: ";"}]
likelihood: {rounds: [{human: "{q} {choice}"}], completion: " {choice}."}
metric: accuracy
shots:
  0: {request: likelihood}
)";

TEST(TaskSpec, ReadsChoicesAndTheirLikelihood) {
  const TaskSpec task = task_of(kChoices);
  EXPECT_FALSE(task.is_verified);
  EXPECT_EQ(task.rows->first, 2);
  EXPECT_EQ(task.rows->last, 5);
  EXPECT_EQ(task.subscores.at(0).name, "level");
  ASSERT_EQ(task.choices.size(), 2);
  EXPECT_EQ(task.choices[1].split, ";");
  EXPECT_EQ(task.likelihood->completion, " {choice}.");
  EXPECT_EQ(task.shots[0].request, RequestKind::kLikelihood);
  EXPECT_FALSE(task.study);
  EXPECT_TRUE(task_of(kSmallTask).is_verified);
}

TEST(TaskSpec, FaultsOfChoicesSayWhatIsMeant) {
  for (const Fault& c : std::vector<Fault>{
           {"first: 2", "first: 6", "ends at 5, before it begins at 6"},
           {"{request: likelihood}", "{rounds: [{human: x}]}", "'study' is missing"},
           {"choices: [\"{c[0]}\", {value: \"{rest}\", split: \";\"}]\n", "", "needs 'choices'"},
           {"likelihood: {rounds", "unlikelihood: {rounds", "needs the task to have 'likelihood'"},
           {"{q} {choice}", "{q} {choise}", "did you mean 'choice'?"},
           {"metric: accuracy",
            "metric: accuracy\nstudy: {extract: pattern, pattern: \"(\", score: equal}",
            "pattern '('"},
           {"q: \"{q}\"", "q: {value: \"{q}\", rules: [after_colom]}",
            "did you mean 'after_colon'?"}}) {
    EXPECT_THAT([&] { task_of(replaced(kChoices, c.from, c.to)); },
                ThrowsMessage<UsageError>(HasSubstr(c.message)))
        << c.to;
  }
}

const std::string kJudgedTask = R"(
name: judged
file: judged.jsonl
columns: {first: "{a}", second: "{b}", id: {value: "{id}", numbers: true}}
metric: rating
judge:
  protocol: mt_bench
  files: {prompts: p.jsonl}
  optional_files: {more: m.csv}
  texts: {system: Be fair.}
shots:
  0: {rounds: [{human: "{first}"}, {bot: "{response}"}, {human: "{second}"}]}
)";

TEST(TaskSpec, AJudgeTakesThePlaceOfReadings) {
  const TaskSpec task = task_of(kJudgedTask);
  ASSERT_TRUE(task.judge);
  EXPECT_EQ(task.judge->protocol, "mt_bench");
  EXPECT_EQ(task.judge->files, (JudgeSpec::Names{{"prompts", "p.jsonl"}}));
  EXPECT_EQ(task.judge->optional_files, (JudgeSpec::Names{{"more", "m.csv"}}));
  EXPECT_EQ(task.judge->texts, (JudgeSpec::Names{{"system", "Be fair."}}));
  EXPECT_FALSE(task.study);
  EXPECT_TRUE(task.answer.empty());
  EXPECT_EQ(task.shots.at(0).num_turns(), 2);
  EXPECT_TRUE(task.shots.at(0).rounds.at(1).is_own_answer);
}

TEST(TaskSpec, FaultsOfJudgedTasksAreTold) {
  const auto fault = [](const std::string& from, const std::string& to) {
    try {
      task_of(replaced(kJudgedTask, from, to));
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(fault("metric: rating", "metric: rating\nstudy: {extract: boxed, score: equal}"),
              HasSubstr("'study' has no place beside 'judge'"));
  EXPECT_THAT(fault("p.jsonl", "../p.jsonl"), HasSubstr("must be a path under the data folder"));
  EXPECT_THAT(fault("protocol: mt_bench", "protcol: mt_bench"), HasSubstr("protcol"));
  EXPECT_THAT(fault("0: {rounds", "0: {begin: [{human: Hi}], rounds"),
              HasSubstr("has neither 'begin' nor 'exemplars'"));
}

}  // namespace
}  // namespace sft
