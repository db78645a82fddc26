#include "sft/text/bpe_trainer.h"

#include <string>

#include <gtest/gtest.h>

#include "tokenizer_cases.h"

#include "sft/core/error.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

// tokenizer.json was learned from training.txt by the tokenizers package
// (tests/reference/make_tokenizer_cases.py).
TEST(BpeTrainer, LearnsWhatTheTokenizersPackageLearns) {
  const TempFolder folder;
  const Json expected = small_tokenizer_json()["model"];
  EXPECT_EQ(train_bpe_tokenizer(tokenizer_cases_folder() / "training.txt", 1100, folder.path()),
            1100);
  const Json model = read_json(folder.path() / "tokenizer.json")["model"];
  EXPECT_EQ(model["vocab"], expected["vocab"]);
  ASSERT_EQ(model["merges"].size(), expected["merges"].size());
  for (size_t rank = 0; rank < model["merges"].size(); ++rank) {
    const Json& pair = expected["merges"][rank];
    ASSERT_EQ(model["merges"][rank].get<std::string>(),
              pair[0].get<std::string>() + " " + pair[1].get<std::string>());
  }
}

TEST(BpeTrainer, WritesATokenizerThatLoads) {
  const TempFolder folder;
  train_bpe_tokenizer(folder.write("text.txt", "low lower lowest\nlow low\n"), 262, folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->vocab_size(), 262);
  EXPECT_EQ(tokenizer->eos_id(), 0);
  EXPECT_EQ(tokenizer->bos_id(), std::nullopt);
  EXPECT_TRUE(tokenizer->id_of("low").has_value());
  const std::string text = "slow \xF0\x9F\x91\x8D<|endoftext|>";
  EXPECT_EQ(
      decode(*tokenizer, tokenizer->encode(text, SpecialTokens::kAdd).ids, DecodeSpecial::kKeep),
      text);
}

TEST(BpeTrainer, StopsWhereNothingIsLeftToMerge) {
  const TempFolder folder;  // the 256 bytes, <|endoftext|>, "ab" and " ab"
  EXPECT_EQ(train_bpe_tokenizer(folder.write("text.txt", "ab ab"), 1000, folder.path()), 259);
}

TEST(BpeTrainer, RefusesWhatCannotBe) {
  const TempFolder folder;
  const std::filesystem::path text = folder.write("text.txt", "ab ab");
  EXPECT_THROW(train_bpe_tokenizer(text, 256, folder.path()), UsageError);
  EXPECT_THROW(train_bpe_tokenizer(text, int64_t{1} << 40, folder.path()), UsageError);
  EXPECT_THROW(train_bpe_tokenizer(folder.write("empty.txt", ""), 300, folder.path()), Error);
}

}  // namespace
}  // namespace sft
