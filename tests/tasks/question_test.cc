#include "sft/tasks/question.h"

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

constexpr const char* kTask = R"(
name: quiz
file: quiz/test.jsonl
columns: {q: "{question}", label: "{answer}"}
answer: label
gold: gsm8k_gold
group: "{subject}"
metric: accuracy
study: {extract: gsm8k_number, score: gsm8k_equal}
shots:
  0: {rounds: [{human: "{q}"}]}
  2:
    exemplars:
      file: quiz/dev.jsonl
      rows: [1, 0]
      same_group: true
      rounds: [{human: "{q}"}, {bot: "{label}"}]
    rounds: [{human: "{q}"}]
)";

TaskChoice quiz(int64_t shots) {
  const TaskSpec spec = read_task(ConfigNode::parse(kTask, "quiz.yaml"));
  return {.spec = spec, .shot = *spec.find_shots(shots)};
}

std::string row(const std::string& subject, const std::string& question) {
  return R"({"subject": ")" + subject + R"(", "question": ")" + question +
         R"(", "answer": "x #### 1,0)" + question + "\"}\n";
}

const std::string kQuestions =
    row("a", "0") + row("b", "1") + "\n" + row("a", "2") + row("a", "3") + row("c", "4");

std::vector<std::string> ids(const TaskData& data) {
  std::vector<std::string> result;
  for (const Question& question : data.questions) {
    result.push_back(question.id);
  }
  return result;
}

TEST(TaskData, NumbersTheRowsOfEachGroup) {
  const TempFolder folder;
  folder.write("quiz/test.jsonl", kQuestions);
  const TaskData data = load_task_data(quiz(0), folder.path(), {});
  EXPECT_EQ(ids(data), (std::vector<std::string>{"a/0", "b/0", "a/1", "a/2", "c/0"}));
  EXPECT_EQ(data.num_in_file, 5);
  EXPECT_FALSE(data.is_partial);
  EXPECT_EQ(data.questions[2].reference, "102");
  EXPECT_EQ(data.questions[2].group, "a");
}

TEST(TaskData, LimitsCountInsideGroupsAndGroups) {
  const TempFolder folder;
  folder.write("quiz/test.jsonl", kQuestions);
  const TaskData data = load_task_data(quiz(0), folder.path(), {.per_group = 2, .num_groups = 2});
  EXPECT_EQ(ids(data), (std::vector<std::string>{"a/0", "b/0", "a/1"}));
  EXPECT_EQ(data.num_in_file, 5);
}

TEST(TaskData, ExemplarsAreRowsOfTheQuestionsGroupInTheListedOrder) {
  const TempFolder folder;
  folder.write("quiz/test.jsonl", row("a", "0") + row("b", "1"));
  folder.write("quiz/dev.jsonl", row("b", "10") + row("a", "11") + row("b", "12") + row("a", "13"));
  const TaskData data = load_task_data(quiz(2), folder.path(), {});
  const std::vector<Columns>& exemplars = data.exemplars_of(data.questions[1]);
  ASSERT_EQ(exemplars.size(), 2);
  EXPECT_EQ(column_text(exemplars[0], "q"), "12");
  EXPECT_EQ(column_text(exemplars[1], "q"), "10");
  EXPECT_EQ(data.exemplar_source, "quiz/dev.jsonl rows 1, 0");
}

TEST(TaskData, ACutFileStandsInForTheWholeOne) {
  const TempFolder folder;
  folder.write("quiz/test_first1.jsonl", row("a", "0"));
  folder.write("quiz/test_first2.jsonl", row("a", "0") + row("a", "1"));
  EXPECT_EQ(missing_file(quiz(0), folder.path()), std::nullopt);
  const TaskData data = load_task_data(quiz(0), folder.path(), {});
  EXPECT_TRUE(data.is_partial);
  EXPECT_EQ(data.num_in_file, 2);
}

TEST(TaskData, NamesTheMissingFile) {
  const TempFolder folder;
  EXPECT_EQ(missing_file(quiz(0), folder.path()), "quiz/test.jsonl");
  folder.write("quiz/test.jsonl", kQuestions);
  EXPECT_EQ(missing_file(quiz(0), folder.path()), std::nullopt);
  EXPECT_EQ(missing_file(quiz(2), folder.path()), "quiz/dev.jsonl");
}

constexpr const char* kPick = R"(
name: pick
file: pick.json
rows: {first: 1, last: 3}
columns: {q: "{q}", label: "{a}"}
answer: label
references: "{all}"
subscores: {level: "{l}"}
choices: ["{best}", {value: "{rest}", split: ";"}]
likelihood: {}
metric: accuracy
shots:
  0: {request: likelihood, rounds: [{human: "{q}"}]}
)";

TaskChoice pick() {
  const TaskSpec spec = read_task(ConfigNode::parse(kPick, "pick.yaml"));
  return {.spec = spec, .shot = spec.shots.at(0)};
}

std::string pick_row(const std::string& question, const std::string& answer) {
  return R"({"q": ")" + question + R"(", "a": ")" + answer +
         R"(", "all": ["x", "y"], "l": "L1", "best": "b", "rest": " c; d ;"})";
}

TEST(TaskData, TakesTheRowsOfTheRangeOfAnArray) {
  const TempFolder folder;
  folder.write("pick.json", "[" + pick_row("0", "A") + "," + pick_row("1", "A") + "," +
                                pick_row("2", "C") + "," + pick_row("3", "B") + "," +
                                pick_row("4", "A") + "]");
  const TaskData data = load_task_data(pick(), folder.path(), {.per_group = 2, .num_groups = 0});
  EXPECT_EQ(ids(data), (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(data.num_in_file, 3);
  const Question& question = data.questions[1];
  EXPECT_EQ(question.references, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(question.facets, std::vector<std::string>{"L1"});
  EXPECT_EQ(question.choices, (std::vector<std::string>{"b", "c", "d"}));
  EXPECT_EQ(question.right_choice(), 2);
}

TEST(TaskData, TheAnswerNamesAChoice) {
  const TempFolder folder;
  folder.write("pick.json", "[" + pick_row("0", "A") + "," + pick_row("1", "D") + "]");
  EXPECT_THAT([&] { load_task_data(pick(), folder.path(), {}); },
              ThrowsMessage<Error>(
                  HasSubstr("row 2: the answer is 'D', but there are 3 choices from A on")));
}

struct Broken {
  std::string bytes;
  std::string message;
};

TEST(TaskData, BrokenRowsSayWhereTheyStand) {
  for (const Broken& c : std::vector<Broken>{
           {row("a", "0") + "{\"subject\": \"a\", \n", "test.jsonl:2"},
           {row("a", "0") + "{\"subject\": \"a\", \"answer\": \"#### 1\"}\n",
            "test.jsonl:2: no field 'question'"},
           {row("a", "0") + R"({"subject": 3, "question": "x", "answer": "#### 1"})",
            "test.jsonl:2: field 'subject' is a number, must be text"},
           {R"({"subject": "a", "question": "x", "answer": "1"})",
            "test.jsonl:1: 'gsm8k_gold' finds no reference in column 'label'"},
           {"\n\n", "holds no questions"}}) {
    const TempFolder folder;
    folder.write("quiz/test.jsonl", c.bytes);
    EXPECT_THAT([&] { load_task_data(quiz(0), folder.path(), {}); },
                ThrowsMessage<Error>(HasSubstr(c.message)))
        << c.bytes;
  }
}

TEST(TaskData, SaysWhichExemplarIsNotThere) {
  const TempFolder folder;
  folder.write("quiz/test.jsonl", row("a", "0"));
  folder.write("quiz/dev.jsonl", row("a", "11") + row("b", "12"));
  EXPECT_THAT([&] { load_task_data(quiz(2), folder.path(), {}); },
              ThrowsMessage<Error>(HasSubstr("has 1 rows of a, row 1 (from 0)")));
}

}  // namespace
}  // namespace sft
