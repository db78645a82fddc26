#include "sft/tasks/prompt.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Parts {
  std::string turn;
  std::string human_begin;
  std::string human_end;
  std::string bot_begin;
  std::string bot_end;
};

TEST(MetaTemplate, CutsATurnAtTheFirstLineBreakBehindTheInstruction) {
  for (const Parts& c :
       std::vector<Parts>{{"###Question: {instruction}\n###Answer: {response}",
                           "###Question: ", "\n", "###Answer: ", ""},
                          {"###Question: {instruction}###Answer: {response}", "###Question: ", "",
                           "###Answer: ", ""},
                          {"### Instruction:\n{instruction}\n\n### Response:\n{response}",
                           "### Instruction:\n", "\n\n", "### Response:\n", ""},
                          {"<user>{instruction}<end>\n<bot>\n{response}<end>\n", "<user>",
                           "<end>\n", "<bot>\n", "<end>\n"},
                          {"{instruction}\n{response}", "", "", "\n", ""},
                          {"{instruction}{response}", "", "", "", ""}}) {
    const MetaTemplate meta =
        meta_template({.name = "t", .turn = c.turn, .separator = "\n"}, PromptEnd::kExact);
    EXPECT_EQ(meta.human_begin, c.human_begin) << c.turn;
    EXPECT_EQ(meta.human_end, c.human_end) << c.turn;
    EXPECT_EQ(meta.bot_begin, c.bot_begin) << c.turn;
    EXPECT_EQ(meta.bot_end, c.bot_end) << c.turn;
    EXPECT_EQ(meta.generation_begin, c.bot_begin) << c.turn;
  }
}

TEST(MetaTemplate, TrimmedEndsAsTrainingDoes) {
  const MetaTemplate meta =
      meta_template({.name = "t", .turn = "Q: {instruction}\nA:  {response}", .separator = ""},
                    PromptEnd::kTrimmed);
  EXPECT_EQ(meta.bot_begin, "A:  ");
  EXPECT_EQ(meta.generation_begin, "A:");
}

TEST(MetaTemplate, NeedsAPlaceForTheQuestion) {
  EXPECT_THAT([] { meta_template({.name = "text", .turn = "{response}", .separator = ""}, {}); },
              ThrowsMessage<UsageError>(HasSubstr("template 'text'")));
}

// A task with everything that a prompt can have.
TaskChoice task_with_all() {
  TaskChoice task;
  task.spec.answer = "label";
  task.shot.begin = {{.role = Role::kHuman, .text = "Answer these."}};
  task.shot.exemplars.emplace();
  task.shot.exemplars->rounds = {{.role = Role::kHuman, .text = "Q: {q}"},
                                 {.role = Role::kBot, .text = "A: {label}."}};
  task.shot.rounds = {{.role = Role::kHuman, .text = "Q: {q} {other}"},
                      {.role = Role::kBot, .text = "A:{label}"}};
  return task;
}

Columns row(const std::string& question, const std::string& label) {
  return {{.name = "q", .text = question}, {.name = "label", .text = label}};
}

Question question_of(Columns columns) {
  Question question;
  question.id = "0";
  question.columns = std::move(columns);
  question.reference = "B";
  return question;
}

const MetaTemplate kMeta{.human_begin = "<h>",
                         .human_end = "</h>",
                         .bot_begin = "<b>",
                         .bot_end = "</b>",
                         .generation_begin = "<b>"};

TEST(BuildPrompt, RoundsAreLaidOutByTheMetaTemplate) {
  const Question question = question_of(row("two", "B"));
  EXPECT_EQ(build_prompt(task_with_all(), question, {row("one", "A")}, kMeta),
            "<h>Answer these.</h><h>Q: one</h><b>A: A.</b><h>Q: two {other}</h><b>");
}

TEST(BuildPrompt, WithoutTemplateTextsAreJoinedByLineBreaks) {
  const Question question = question_of(row("two", "B"));
  EXPECT_EQ(build_prompt(task_with_all(), question, {row("one", "A")}, std::nullopt),
            "Answer these.\nQ: one\nA: A.\nQ: two {other}\nA:");
}

TEST(BuildPrompt, EmptyTextsAreLeftOutWithoutTemplate) {
  TaskChoice task = task_with_all();
  task.shot.begin.clear();
  task.shot.rounds.back().text = "{label}";
  const Question question = question_of(row("two", "B"));
  EXPECT_EQ(build_prompt(task, question, {}, std::nullopt), "Q: two {other}");
}

TEST(BuildPrompt, ALaterColumnsNameInAnEarlierOnesTextIsReplacedToo) {
  const Question question = question_of(row("is {label} it", "B"));
  EXPECT_EQ(build_prompt(task_with_all(), question, {row("is {label} it", "A")}, std::nullopt),
            "Answer these.\nQ: is A it\nA: A.\nQ: is  it {other}\nA:");
}

TEST(BuildPrompt, AnAbsentSideStillHasItsMarks) {
  TaskChoice task = task_with_all();
  task.shot.begin.clear();
  task.shot.rounds = {{.role = Role::kHuman, .text = "a"},
                      {.role = Role::kHuman, .text = "b"},
                      {.role = Role::kBot, .text = "c"},
                      {.role = Role::kHuman, .text = "d"}};
  const Question question = question_of(row("two", "B"));
  EXPECT_EQ(build_prompt(task, question, {}, kMeta), "<h>a</h><b></b><h>b</h><b>c</b><h>d</h><b>");
}

// A question with two choices, asked with a worked example.
TaskChoice task_with_choices(const LikelihoodSpec& likelihood) {
  TaskChoice task = task_with_all();
  task.spec.likelihood = likelihood;
  return task;
}

TEST(BuildChoicePrompts, AskAsTheQuestionIsAsked) {
  Question question = question_of(row("two", "B"));
  question.choices = {"A", "B"};
  const std::vector<ChoicePrompt> prompts =
      build_choice_prompts(task_with_choices({}), question, {row("one", "A")}, kMeta);
  ASSERT_EQ(prompts.size(), 2);
  EXPECT_EQ(prompts[1].prompt,
            "<h>Answer these.</h><h>Q: one</h><b>A: A.</b><h>Q: two {other}</h><b>");
  EXPECT_EQ(prompts[1].completion, " B");
}

TEST(BuildChoicePrompts, RoundsOfTheirOwnStandAlone) {
  Question question = question_of(row("so _ left", "A"));
  question.choices = {"Ann", "Bob"};
  const LikelihoodSpec likelihood{.rounds = {{.role = Role::kHuman, .text = "so {choice} "}},
                                  .completion = " left {choice}"};
  const std::vector<ChoicePrompt> prompts = build_choice_prompts(
      task_with_choices(likelihood), question, {row("one", "A")}, std::nullopt);
  EXPECT_EQ(prompts.at(0).prompt, "so Ann");
  EXPECT_EQ(prompts.at(1).completion, " left Bob");
}

// A question in two turns, and the model's own answer between them.
TaskChoice two_turns() {
  TaskChoice task;
  task.shot.rounds = {{.role = Role::kHuman, .text = "{a}", .is_own_answer = false},
                      {.role = Role::kBot, .text = "{response}", .is_own_answer = true},
                      {.role = Role::kHuman, .text = "{b}", .is_own_answer = false}};
  return task;
}

TEST(BuildTurnPrompt, AsksEachTurnAfterTheAnswersBefore) {
  Question question;
  question.columns = {{.name = "a", .text = "one"}, {.name = "b", .text = "two"}};
  const TaskChoice task = two_turns();
  EXPECT_EQ(task.shot.num_turns(), 2);
  const Template layout{.name = "qa", .turn = "Q: {instruction}\nA: {response}", .separator = "\n"};
  const MetaTemplate exact = meta_template(layout, PromptEnd::kExact);
  const MetaTemplate trimmed = meta_template(layout, PromptEnd::kTrimmed);
  EXPECT_EQ(build_turn_prompt(task, question, {}, exact), "Q: one\nA: ");
  // What the answer holds is no column; it stands where it was generated.
  EXPECT_EQ(build_turn_prompt(task, question, {"is {b}"}, exact), "Q: one\nA: is {b}Q: two\nA: ");
  EXPECT_EQ(build_turn_prompt(task, question, {" is {b}"}, trimmed), "Q: one\nA: is {b}Q: two\nA:");
  EXPECT_EQ(build_turn_prompt(task, question, {"is {b}"}, std::nullopt), "one\nis {b}\ntwo");
}

}  // namespace
}  // namespace sft
