#include "sft/data/encoded_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_tokenizer.h"

#include "sft/core/error.h"

namespace sft {
namespace {

const Template kQuestionAnswer = {
    .name = "qa", .turn = "Q: {instruction}\nA: {response}", .separator = "\n"};

Sample sample_of(std::vector<Turn> turns) {
  return {.id = "id", .turns = std::move(turns), .dataset = "d", .source = "d:1"};
}

// A sample as one text: tokens divided by |, those trained on in brackets.
std::string shown(const EncodedSample& sample, const Tokenizer& tokenizer) {
  std::string text;
  for (size_t i = 0; i < sample.token_ids.size(); ++i) {
    for (const TokenSpan& span : sample.targets) {
      text += static_cast<size_t>(span.begin) == i ? "[" : "";
      text += static_cast<size_t>(span.end) == i ? "]" : "";
    }
    text += tokenizer.token_bytes(sample.token_ids[i]) + "|";
  }
  for (const TokenSpan& span : sample.targets) {
    text += static_cast<size_t>(span.end) == sample.token_ids.size() ? "]" : "";
  }
  return text;
}

struct Case {
  const char* name;
  std::vector<Turn> turns;
  Template layout;
  FakeTokenizer::Options tokenizer;
  LossTarget loss_on;
  const char* expected;
};

class EncodeSample : public testing::TestWithParam<Case> {};

TEST_P(EncodeSample, SplitsByTheOneRule) {
  const FakeTokenizer tokenizer(GetParam().tokenizer);
  const EncodedSample encoded =
      encode_sample(sample_of(GetParam().turns), GetParam().layout, tokenizer, GetParam().loss_on);
  EXPECT_EQ(shown(encoded, tokenizer), GetParam().expected);
  EXPECT_EQ(encoded.id, "id");
}

const std::vector<std::string> kPieces = {"Q: ", "\nA:", " yes", "yes", "\n", "no", ".", ".\n"};
const std::vector<Turn> kTwoTurns = {{"a", "yes."}, {"b", "no"}};

INSTANTIATE_TEST_SUITE_P(
    Cases, EncodeSample,
    testing::Values(
        Case{"one_turn",
             {{"a", "yes"}},
             kQuestionAnswer,
             {.pieces = kPieces},
             LossTarget::kResponse,
             "<bos>|Q: |a|\nA:|[ yes|<eos>|]"},
        Case{"no_bos",
             {{"a", "yes"}},
             kQuestionAnswer,
             {.pieces = kPieces, .has_bos = false},
             LossTarget::kResponse,
             "Q: |a|\nA:|[ yes|<eos>|]"},
        // The space before the response is a token of its own: it follows the prompt.
        Case{"own_space",
             {{"a", "x"}},
             kQuestionAnswer,
             {.pieces = {"\nA:"}},
             LossTarget::kResponse,
             "<bos>|Q|:| |a|\nA:|[ |x|<eos>|]"},
        Case{"straddles_the_prompts_end",
             {{"a", "yes"}},
             kQuestionAnswer,
             {.pieces = {"\nA", ": y", "es"}},
             LossTarget::kResponse,
             "<bos>|Q|:| |a|\nA|[: y|es|<eos>|]"},
        Case{"two_turns",
             {{"a", "yes"}, {"b", "no"}},
             kQuestionAnswer,
             {.pieces = kPieces},
             LossTarget::kResponse,
             "<bos>|Q: |a|\nA:|[ yes|<eos>|]\n|Q: |b|\nA:|[ |no|<eos>|]"},
        Case{"straddles_the_responses_end",
             kTwoTurns,
             kQuestionAnswer,
             {.pieces = kPieces},
             LossTarget::kResponse,
             "<bos>|Q: |a|\nA:|[ yes|.\n|<eos>|]Q: |b|\nA:|[ |no|<eos>|]"},
        Case{"template_writes_the_end_token",
             kTwoTurns,
             {.name = "t", .turn = "{instruction}>{response}<eos>\n", .separator = ""},
             {.pieces = kPieces},
             LossTarget::kResponse,
             "<bos>|a|>|[yes|.|<eos>|]\n|b|>|[no|<eos>|]\n|"},
        Case{"response_spells_the_end_token",
             {{"a", "yes<eos>"}},
             kQuestionAnswer,
             {.pieces = kPieces},
             LossTarget::kResponse,
             "<bos>|Q: |a|\nA:|[ yes|<eos>|<eos>|]"},
        Case{"text_behind_the_response",
             {{"a", "yes"}},
             {.name = "t", .turn = "{instruction}>{response}!", .separator = ""},
             {.pieces = kPieces},
             LossTarget::kResponse,
             "<bos>|a|>|[yes|<eos>|]!|"},
        Case{"empty_prompt",
             {{"a", "yes"}},
             {.name = "t", .turn = "{response}", .separator = ""},
             {.pieces = kPieces, .has_bos = false},
             LossTarget::kResponse,
             "<eos>|[yes|<eos>|]"},
        Case{"empty_prompt_and_bos",
             {{"a", "yes"}},
             {.name = "t", .turn = "{response}", .separator = ""},
             {.pieces = kPieces},
             LossTarget::kResponse,
             "<bos>|[yes|<eos>|]"},
        // A whole prompt that its response's first token has swallowed is no context either.
        Case{"swallowed_prompt",
             {{"a", "yes"}},
             {.name = "t", .turn = "{instruction}{response}", .separator = ""},
             {.pieces = {"ay"}, .has_bos = false},
             LossTarget::kResponse,
             "<eos>|[ay|e|s|<eos>|]"},
        Case{"text_alone",
             {{"", "Q: yes"}},
             kQuestionAnswer,
             {.pieces = kPieces},
             LossTarget::kResponse,
             "<bos>|[Q: |yes|<eos>|]"},
        Case{"text_alone_without_bos",
             {{"", "Q: yes"}},
             kQuestionAnswer,
             {.pieces = kPieces, .has_bos = false},
             LossTarget::kResponse,
             "<eos>|[Q: |yes|<eos>|]"},
        Case{"touching_responses",
             {{"a", "x"}, {"b", "y"}},
             {.name = "t", .turn = "{response}", .separator = ""},
             {.pieces = {"xy"}},
             LossTarget::kResponse,
             "<bos>|[xy|<eos>|][<eos>|]"},
        Case{"loss_on_all",
             {{"a", "yes"}, {"b", "no"}},
             kQuestionAnswer,
             {.pieces = kPieces, .has_bos = false},
             LossTarget::kAll,
             "Q: |[a|\nA:| yes|<eos>|\n|Q: |b|\nA:| |no|<eos>|]"}),
    [](const auto& info) { return info.param.name; });

// Tokens of one character's parts all end at its last byte.
class PartsTokenizer final : public Tokenizer {
 public:
  Encoding encode(std::string_view /*text*/, SpecialTokens /*special*/) const override {
    return {.ids = {1, 2, 3, 4, 5}, .ends = {1, 4, 4, 4, 5}};
  }
  std::string token_bytes(int32_t id) const override { return std::to_string(id); }
  std::string token(int32_t id) const override { return std::to_string(id); }
  std::optional<int32_t> id_of(std::string_view /*token*/) const override { return std::nullopt; }
  bool is_special(int32_t /*id*/) const override { return false; }
  int32_t vocab_size() const override { return 10; }
  std::optional<int32_t> bos_id() const override { return std::nullopt; }
  std::optional<int32_t> eos_id() const override { return 0; }
};

TEST(EncodeSample, KeepsTheTokensOfOneCharacterTogether) {
  const EncodedSample encoded =
      encode_sample(sample_of({{"a", "\xE6\x97\xA5"}}),
                    {.name = "t", .turn = "{instruction}{response}!", .separator = ""},
                    PartsTokenizer(), LossTarget::kResponse);
  EXPECT_THAT(encoded.token_ids, testing::ElementsAre(1, 2, 3, 4, 0, 5));
  ASSERT_EQ(encoded.targets.size(), 1U);
  EXPECT_EQ(encoded.targets[0].begin, 1);
  EXPECT_EQ(encoded.targets[0].end, 5);
}

TEST(EncodeSample, CountsTargets) {
  const FakeTokenizer tokenizer({.pieces = kPieces});
  EXPECT_EQ(encode_sample(sample_of(kTwoTurns), kQuestionAnswer, tokenizer, LossTarget::kResponse)
                .num_targets(),
            3 + 3);
}

TEST(EncodeSample, NeedsAnEndToken) {
  const FakeTokenizer tokenizer({.pieces = {}, .has_bos = true, .has_eos = false});
  EXPECT_THROW(
      encode_sample(sample_of(kTwoTurns), kQuestionAnswer, tokenizer, LossTarget::kResponse),
      Error);
}

}  // namespace
}  // namespace sft
