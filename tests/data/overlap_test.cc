#include "sft/data/overlap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string kQuestion =
    "Janet's ducks lay 16 eggs per day. She eats three for breakfast every morning and bakes "
    "muffins for her friends every day with four.";

std::vector<uint32_t> found(const OverlapIndex& index, const std::string& text) {
  std::vector<uint32_t> numbers;
  for (const OverlapIndex::Hit& hit : index.find(text)) {
    numbers.push_back(hit.text);
  }
  return numbers;
}

OverlapIndex index_of(const std::vector<std::string>& texts) {
  OverlapIndex index;
  for (const std::string& text : texts) {
    index.add(text);
  }
  index.finish();
  return index;
}

TEST(NormalizedWords, AreLowerCaseLettersAndDigits) {
  EXPECT_THAT(normalized_words("Don\xE2\x80\x99t  PAY $1,000!\n\\frac{a}{b} \xC3\x89T\xC3\x89"),
              ElementsAre("dont", "pay", "1", "000", "frac", "a", "b", "\xC3\xA9t\xC3\xA9"));
  EXPECT_THAT(normalized_words(" ,.\n"), IsEmpty());
}

TEST(NormalizedWords, ChineseAndJapaneseLettersStandAlone) {
  EXPECT_THAT(normalized_words("GPT\xE6\xA8\xA1\xE5\x9E\x8B\xE3\x80\x82"),
              ElementsAre("gpt", "\xE6\xA8\xA1", "\xE5\x9E\x8B"));
}

TEST(NormalizedWords, BrokenUtf8Divides) {
  EXPECT_THAT(normalized_words("ab\xC3(cd"), ElementsAre("ab", "cd"));
}

TEST(OverlapIndex, FindsThirteenWordsInARow) {
  const OverlapIndex index =
      index_of({"another text that nobody asks for and that is long enough "
                "for thirteen words of it",
                kQuestion});
  EXPECT_THAT(found(index, "Question:\n" + kQuestion + "\nAnswer: 18"), ElementsAre(1));
  // Layout, case and punctuation hide nothing.
  EXPECT_THAT(
      found(index, "x JANETS DUCKS lay: 16 eggs\nper day; she eats three for (breakfast) every x"),
      ElementsAre(1));
  // Twelve are not enough.
  EXPECT_THAT(found(index, "janets ducks lay 16 eggs per day she eats three for lunch"), IsEmpty());
}

TEST(OverlapIndex, SaysHowMuchOfItOccurs) {
  const OverlapIndex index = index_of({kQuestion});
  const auto whole = index.find(kQuestion + " " + kQuestion);
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(whole[0].coverage, 1);
  EXPECT_EQ(whole[0].words, "janets ducks lay 16 eggs per day she eats three for breakfast every");
  const auto part = index.find(kQuestion.substr(0, kQuestion.find(" and bakes")));
  ASSERT_EQ(part.size(), 1U);
  EXPECT_GT(part[0].coverage, 0);
  EXPECT_LT(part[0].coverage, 0.3);
}

TEST(OverlapIndex, ShorterTextsMustOccurWhole) {
  const OverlapIndex index = index_of({"who wrote the music for the film about the shark"});
  EXPECT_THAT(found(index, "Tell me: who wrote the music for the film about the shark, please?"),
              ElementsAre(0));
  EXPECT_THAT(found(index, "who wrote the music for the film about the whale"), IsEmpty());
}

TEST(OverlapIndex, VeryShortOnesMustBeALine) {
  const OverlapIndex index = index_of({"what is the capital of france", "red"});
  EXPECT_THAT(found(index, "Answer this.\nWhat is the capital of France?\n"), ElementsAre(0));
  EXPECT_THAT(found(index, "I asked what is the capital of France and nobody knew"), IsEmpty());
  EXPECT_THAT(found(index, "red"), IsEmpty());
}

TEST(OverlapIndex, WhatManyTextsShareTellsNothing) {
  std::vector<std::string> texts;
  for (int i = 0; i < 6; ++i) {
    texts.push_back(
        "write a python function that takes a list of numbers and returns the same "
        "for number " +
        std::to_string(i));
  }
  const OverlapIndex index = index_of(texts);
  EXPECT_THAT(found(index,
                    "write a python function that takes a list of numbers and returns the "
                    "same for all"),
              IsEmpty());
  EXPECT_THAT(found(index, texts[3]), ElementsAre(3));
}

TEST(OverlapIndex, ChineseTextsNeedMoreLetters) {
  // 24 letters twice, of which the text has the first 20.
  std::string text;
  for (int i = 0; i < 30; ++i) {
    text += {'\xE4', static_cast<char>(0xB8 + i / 32), static_cast<char>(0x80 + i)};
  }
  const OverlapIndex index = index_of({text});
  EXPECT_THAT(found(index, text.substr(0, 3 * 20)), IsEmpty());
  EXPECT_THAT(found(index, text.substr(0, 3 * 25)), ElementsAre(0));
}

TEST(OverlapIndex, AnEmptyOneFindsNothing) {
  EXPECT_THAT(found(index_of({}), kQuestion), IsEmpty());
  EXPECT_THAT(found(index_of({""}), ""), IsEmpty());
}

}  // namespace
}  // namespace sft
