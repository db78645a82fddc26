#include "sft/text/template.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::HasSubstr;

Template question_answer() {
  return {"qa", "###Question: {instruction}\n###Answer: {response}", "\n"};
}

std::string response(const LaidOutSample& sample, size_t turn) {
  const TextSpan span = sample.responses[turn];
  return sample.text.substr(span.begin, span.end - span.begin);
}

TEST(LayOutSample, MarksResponsesAndPromptEnds) {
  const LaidOutSample sample = lay_out_sample(question_answer(), {{"1+1?", "2"}, {"2+2?", "4"}});
  EXPECT_EQ(sample.text, "###Question: 1+1?\n###Answer: 2\n###Question: 2+2?\n###Answer: 4");
  EXPECT_EQ(response(sample, 0), "2");
  EXPECT_EQ(response(sample, 1), "4");
  EXPECT_EQ(sample.text.substr(0, sample.prompt_ends[0]), "###Question: 1+1?\n###Answer:");
  EXPECT_EQ(sample.text.substr(sample.prompt_ends[1]), " 4");
}

TEST(LayOutSample, DoesNotLookForFieldsInWhatIsPutIn) {
  const LaidOutSample sample =
      lay_out_sample(question_answer(), {{"say {response} {instruction}", "{instruction}"}});
  EXPECT_EQ(sample.text, "###Question: say {response} {instruction}\n###Answer: {instruction}");
  EXPECT_EQ(response(sample, 0), "{instruction}");
}

TEST(LayOutSample, KeepsOtherBracesAndWhatStandsBehind) {
  const Template layout = {"t", "{x}{instruction}[{response}]", "|"};
  const LaidOutSample sample = lay_out_sample(layout, {{"a", "b"}, {"c", "d"}});
  EXPECT_EQ(sample.text, "{x}a[b]|{x}c[d]");
  EXPECT_EQ(response(sample, 1), "d");
}

TEST(LayOutPrompt, EndsExactlyOrTrimmed) {
  const std::vector<Turn> turns = {{"1+1?", "2"}, {"2+2?", "not looked at"}};
  const std::string head = "###Question: 1+1?\n###Answer: 2\n###Question: 2+2?\n###Answer:";
  EXPECT_EQ(lay_out_prompt(question_answer(), turns, PromptEnd::kExact), head + " ");
  EXPECT_EQ(lay_out_prompt(question_answer(), turns, PromptEnd::kTrimmed), head);
}

TEST(LayOutPrompt, IsTheBeginningOfTheSample) {
  const std::vector<Turn> turns = {{"a  ", "b"}, {"", "c"}};
  for (const Template& layout : {question_answer(), Template{"p", "{instruction}{response}", ""},
                                 Template{"r", "{response}", ""}}) {
    const LaidOutSample sample = lay_out_sample(layout, turns);
    EXPECT_EQ(lay_out_prompt(layout, turns, PromptEnd::kTrimmed),
              sample.text.substr(0, sample.prompt_ends.back()));
    EXPECT_EQ(lay_out_prompt(layout, turns, PromptEnd::kExact),
              sample.text.substr(0, sample.responses.back().begin));
  }
}

TEST(LoadTemplate, ReadsAFile) {
  const TempFolder folder;
  const Template layout =
      load_template(folder.write("t.yaml", "name: t\nturn: \"{instruction}: {response}\"\n"));
  EXPECT_EQ(layout.name, "t");
  EXPECT_EQ(layout.turn, "{instruction}: {response}");
  EXPECT_EQ(layout.separator, "\n");
}

TEST(LoadTemplate, ReadsOurOwn) {
  const std::filesystem::path folder =
      std::filesystem::path(SFT_TEST_SOURCE_DIR) / "configs/templates";
  for (const char* const name :
       {"question_answer", "question_answer_inline", "alpaca", "chatml", "plain"}) {
    EXPECT_EQ(load_template(folder / (std::string(name) + ".yaml")).name, name);
  }
  EXPECT_EQ(load_template(folder / "question_answer.yaml").turn, question_answer().turn);
}

TEST(LoadTemplate, NamesAllFaults) {
  const TempFolder folder;
  const auto path = folder.write("bad.yaml", "turn: \"{response} {response}\"\nx: 1\n");
  try {
    load_template(path);
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_THAT(error.faults(), testing::UnorderedElementsAre(HasSubstr("name"),
                                                              HasSubstr("{response} exactly once"),
                                                              HasSubstr("unknown key 'x'")));
  }
}

TEST(LoadTemplate, WantsTheInstructionFirst) {
  const TempFolder folder;
  const auto path = folder.write("t.yaml", "name: t\nturn: \"{response} {instruction}\"\n");
  EXPECT_THROW(load_template(path), UsageError);
}

}  // namespace
}  // namespace sft
