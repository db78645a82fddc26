#include "sft/data/sample_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_tokenizer.h"

#include "sft/data/language.h"

namespace sft {
namespace {

using testing::ElementsAre;

const Template kLayout = {.name = "question_answer",
                          .turn = "###Question: {instruction}\n###Answer: {response}",
                          .separator = "\n"};

class SampleCheckTest : public testing::Test {
 protected:
  void add(const std::string& id, const std::string& instruction, const std::string& response) {
    check_.add({.id = id,
                .turns = {{.instruction = instruction, .response = response}},
                .dataset = "d",
                .source = "f:" + std::to_string(++line_)});
  }

  SampleCheck check_ = SampleCheck(kLayout, FakeTokenizer());
  int line_ = 0;
};

TEST_F(SampleCheckTest, FindsTheTemplatesText) {
  add("a", "q", "r");
  add("b", "q ###Answer: x", "r");
  add("c", "q", "r\n###Question: and now?");
  EXPECT_THAT(check_.template_in_instruction.examples, ElementsAre("d: f:2: '###Answer:'"));
  EXPECT_THAT(check_.template_in_response.examples, ElementsAre("d: f:3: '###Question:'"));
}

TEST_F(SampleCheckTest, FindsTextOfSpecialTokens) {
  add("a", "say <eos>", "no");
  add("b", "say eos", "no");
  EXPECT_EQ(check_.special_tokens.count, 1);
  EXPECT_THAT(check_.special_tokens.examples, ElementsAre("d: f:1: '<eos>'"));
}

TEST_F(SampleCheckTest, FindsDuplicatesAndRepeatedInstructions) {
  add("a", "q", "r");
  add("a-2", "q", "r");
  add("b", "q", "another");
  add("c", "p", "r");
  EXPECT_THAT(check_.duplicates.examples, ElementsAre("d: f:2"));
  EXPECT_THAT(check_.repeated_instructions.examples, ElementsAre("d: f:3"));
}

TEST_F(SampleCheckTest, FindsOtherLanguages) {
  const std::string english = "the cat sat on the mat and it was not for you to say that";
  for (int i = 0; i < 3; ++i) {
    add(std::to_string(i), english, english);
  }
  add("x", "Wie ist das Wetter heute?",
      "Das Wetter ist nicht so gut wie gestern und der Wind ist "
      "kalt, die Sonne zeigt sich nicht.");
  const Finding others = check_.other_languages();
  EXPECT_EQ(others.count, 1);
  EXPECT_THAT(others.examples, ElementsAre("d: f:4: de"));
}

TEST_F(SampleCheckTest, ShowsTheFirstFewOnly) {
  for (int i = 0; i < 20; ++i) {
    add("a-2", "q", "r");
  }
  EXPECT_EQ(check_.duplicates.count, 20);
  EXPECT_EQ(check_.duplicates.examples.size(), 5U);
}

struct Guess {
  const char* language;
  const char* text;
};
class GuessLanguage : public testing::TestWithParam<Guess> {};

TEST_P(GuessLanguage, OfAText) {
  EXPECT_EQ(guess_language(GetParam().text), GetParam().language);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, GuessLanguage,
    testing::Values(
        Guess{"en", "The house that we saw is not for sale, and you are the first to ask for it."},
        Guess{"fr",
              "Les enfants sont dans la maison et le chat est sur la table avec une souris "
              "qui ne bouge pas."},
        Guess{"es",
              "El perro y los gatos viven en la casa con una familia, pero las puertas no "
              "son para ellos."},
        Guess{"ja",
              "\xE3\x81\x93\xE3\x82\x8C\xE3\x81\xAF\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"
              "\xE3\x81\xAE\xE6\x96\x87\xE7\xAB\xA0\xE3\x81\xA7\xE3\x81\x99\xE3\x80\x82"
              "\xE3\x81\x93\xE3\x82\x8C\xE3\x81\xAF\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"
              "\xE3\x81\xAE\xE6\x96\x87\xE7\xAB\xA0\xE3\x81\xA7\xE3\x81\x99"},
        Guess{"ru",
              "\xD0\xAD\xD1\x82\xD0\xBE \xD1\x80\xD1\x83\xD1\x81\xD1\x81\xD0\xBA\xD0\xB8"
              "\xD0\xB9 \xD1\x82\xD0\xB5\xD0\xBA\xD1\x81\xD1\x82 \xD0\xB4\xD0\xBB\xD1\x8F "
              "\xD0\xBF\xD1\x80\xD0\xBE\xD0\xB2\xD0\xB5\xD1\x80\xD0\xBA\xD0\xB8"},
        Guess{"", "for (int i = 0; i < n; ++i) { sum += values[i] * weights[i]; } return sum;"},
        Guess{"", "42"}),
    [](const auto& info) { return "case_" + std::to_string(info.index); });

}  // namespace
}  // namespace sft
