#include "sft/infer/engine.h"

#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reference_model.h"

#include "sft/core/error.h"
#include "sft/core/rng.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

using testing::ElementsAreArray;
using testing::HasSubstr;

// Id n is the letter 'a' + n % 26; id 2 ends a text and is special.
class LetterTokenizer final : public Tokenizer {
 public:
  Encoding encode(std::string_view /*text*/, SpecialTokens /*special*/) const override {
    return {};
  }
  std::string token_bytes(int32_t id) const override { return token(id); }
  std::string token(int32_t id) const override {
    return std::string(1, static_cast<char>('a' + id % 26));
  }
  std::optional<int32_t> id_of(std::string_view /*token*/) const override { return {}; }
  bool is_special(int32_t id) const override { return id == 2; }
  int32_t vocab_size() const override { return 1000; }
  std::optional<int32_t> bos_id() const override { return 1; }
  std::optional<int32_t> eos_id() const override { return 2; }
};

std::unique_ptr<Engine> make_engine(const Json& values) {
  return std::make_unique<Engine>(reference_model(values, at::kFloat),
                                  std::make_unique<LetterTokenizer>());
}

GenerateRequest request(const Json& prompt, int64_t max_new_tokens) {
  GenerateRequest request;
  request.prompt_ids = prompt.get<std::vector<int32_t>>();
  request.max_new_tokens = max_new_tokens;
  return request;
}

class EngineReference : public testing::TestWithParam<std::string> {
 protected:
  Json values_ = reference_values(GetParam());
  std::unique_ptr<Engine> engine_ = make_engine(values_);
};

TEST_P(EngineReference, GreedyTokensEqualTransformersInABatchOfUnequalLengths) {
  std::vector<GenerateRequest> requests;
  for (const Json& greedy : values_.at("greedy")) {
    // transformers' values run past end tokens, so the lengths decide here.
    const auto ids = greedy.at("token_ids").get<std::vector<int32_t>>();
    const auto end = std::find(ids.begin(), ids.end(), 2);
    requests.push_back(request(greedy.at("prompt"), end - ids.begin()));
    requests.push_back(request(greedy.at("prompt"), 3));  // leaves the batch early
  }
  const std::vector<GenerateResult> results = engine_->generate(requests, nullptr);
  for (size_t i = 0; i < results.size(); ++i) {
    const auto expected = values_.at("greedy")[i / 2].at("token_ids").get<std::vector<int32_t>>();
    ASSERT_LE(results[i].token_ids.size(), expected.size());
    EXPECT_THAT(results[i].token_ids,
                ElementsAreArray(
                    expected.begin(),
                    expected.begin() + static_cast<std::ptrdiff_t>(results[i].token_ids.size())))
        << i;
    const bool is_ended = !results[i].token_ids.empty() && results[i].token_ids.back() == 2;
    EXPECT_EQ(results[i].finish, is_ended ? FinishReason::kEos : FinishReason::kLength);
  }
}

TEST_P(EngineReference, ScoresEqualTransformersInFloat32) {
  std::vector<ScoreRequest> requests;
  for (const Json& sample : values_.at("samples")) {
    const auto ids = sample.at("token_ids").get<std::vector<int32_t>>();
    requests.push_back({.prompt_ids = {ids[0]}, .completion_ids = {ids.begin() + 1, ids.end()}});
  }
  const std::vector<ScoreResult> results = engine_->score(requests, nullptr);
  for (size_t i = 0; i < results.size(); ++i) {
    const auto expected = values_.at("token_logprobs")[i].get<std::vector<double>>();
    ASSERT_EQ(results[i].token_logprobs.size(), expected.size());
    for (size_t j = 0; j < expected.size(); ++j) {
      EXPECT_NEAR(results[i].token_logprobs[j], expected[j], 2e-5);
    }
  }
}

std::vector<int32_t> drawn_ids(uint64_t seed, size_t count) {
  const Rng rng(seed, "ids");
  std::vector<int32_t> ids(count);
  for (size_t i = 0; i < count; ++i) {
    ids[i] = 3 + static_cast<int32_t>(rng.uniform(i) * 60);
  }
  return ids;
}

std::vector<int32_t> joined(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Worked examples, questions behind them, choices of each question: one token, several, the same
// twice. More tokens than a pass takes, so that what is shared outlives the pass that made it.
std::vector<ScoreRequest> choices_of_questions() {
  const std::vector<int32_t> examples = drawn_ids(1, 40);
  std::vector<ScoreRequest> requests;
  for (uint64_t question = 0; question < 120; ++question) {
    const auto prompt = joined(examples, drawn_ids(100 + question, question % 50));
    for (uint64_t choice = 0; choice < 3; ++choice) {
      requests.push_back({.prompt_ids = prompt,
                          .completion_ids = drawn_ids(7 * question + choice, 1 + question % 7)});
    }
    requests.push_back(requests.back());
  }
  return requests;
}

TEST_P(EngineReference, ScoresOfPromptsThatBeginAlikeAreThoseOfEachAlone) {
  const std::vector<ScoreRequest> requests = choices_of_questions();
  const std::vector<ScoreResult> together = engine_->score(requests, nullptr);
  for (size_t i = 0; i < requests.size(); i += 17) {
    const ScoreResult alone = engine_->score(std::vector{requests[i]}, nullptr)[0];
    ASSERT_EQ(together[i].token_logprobs.size(), requests[i].completion_ids.size());
    for (size_t j = 0; j < alone.token_logprobs.size(); ++j) {
      // float32 sums of some hundred terms in another order.
      EXPECT_NEAR(together[i].token_logprobs[j], alone.token_logprobs[j], 2e-5) << i;
    }
    EXPECT_EQ(together[i].is_greedy, alone.is_greedy);
  }
}

TEST_P(EngineReference, TextsOfPromptsThatBeginAlikeAreThoseOfEachAlone) {
  std::vector<GenerateRequest> requests;
  for (const ScoreRequest& choice : choices_of_questions()) {
    GenerateRequest& request = requests.emplace_back();
    request.prompt_ids = joined(choice.prompt_ids, choice.completion_ids);
    request.max_new_tokens = static_cast<int64_t>(requests.size() % 9);  // some ask for nothing
  }
  const std::vector<GenerateResult> together = engine_->generate(requests, nullptr);
  for (size_t i = 0; i < requests.size(); i += 13) {
    const GenerateResult alone = engine_->generate(std::vector{requests[i]}, nullptr)[0];
    EXPECT_EQ(together[i].token_ids, alone.token_ids) << i;
    EXPECT_EQ(together[i].text, alone.text) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, EngineReference, testing::ValuesIn(reference_model_names()),
                         [](const auto& info) { return info.param; });

class EngineRules : public testing::Test {
 protected:
  Json values_ = reference_values("llama_tied_gqa");
  std::unique_ptr<Engine> engine_ = make_engine(values_);
  const Json& prompt_ = values_["greedy"][0]["prompt"];
  std::string text_ = engine_->generate(std::vector{request(prompt_, 20)}, nullptr)[0].text;
};

TEST_F(EngineRules, AStopStringEndsTheTextAndIsLeftOut) {
  GenerateRequest stopped = request(prompt_, 20);
  stopped.stops = {text_.substr(5, 2), "nowhere in it"};
  const GenerateResult result = engine_->generate(std::vector{stopped}, nullptr)[0];
  EXPECT_EQ(result.finish, FinishReason::kStop);
  EXPECT_EQ(result.text, text_.substr(0, text_.find(stopped.stops[0])));
}

TEST_F(EngineRules, AnEndTokenIsInTheIdsAndNotInTheText) {
  const Json config = values_["config"];
  values_["config"]["eos_token_id"] = values_["greedy"][0]["token_ids"][4];
  const GenerateResult result =
      make_engine(values_)->generate(std::vector{request(prompt_, 20)}, nullptr)[0];
  EXPECT_EQ(result.finish, FinishReason::kEos);
  EXPECT_EQ(result.token_ids.back(), values_["greedy"][0]["token_ids"][4]);
  EXPECT_EQ(result.text, text_.substr(0, result.token_ids.size() - 1));
}

TEST_F(EngineRules, TheContextEndsAText) {
  const GenerateResult result = engine_->generate(std::vector{request(prompt_, 1000)}, nullptr)[0];
  if (result.finish != FinishReason::kEos) {
    EXPECT_EQ(result.finish, FinishReason::kContext);
    EXPECT_EQ(prompt_.size() + result.token_ids.size(), 128U);
  }
}

TEST_F(EngineRules, DrawsDependOnSeedAndPlaceInTheInputAlone) {
  GenerateRequest drawn = request(prompt_, 12);
  drawn.sampling = {.temperature = 1.5, .top_p = 0.9, .top_k = 40, .seed = 3};
  drawn.seed_index = 7;
  GenerateRequest other = drawn;
  other.seed_index = 8;
  const auto alone = engine_->generate(std::vector{drawn}, nullptr);
  const auto together = engine_->generate(std::vector{other, drawn}, nullptr);
  EXPECT_EQ(alone[0].token_ids, together[1].token_ids);
  EXPECT_NE(together[0].token_ids, together[1].token_ids);
}

TEST_F(EngineRules, MoreRequestsThanABatchHoldsComeOutInTheirOrder) {
  std::vector<GenerateRequest> requests;
  for (size_t i = 0; i < 75; ++i) {
    requests.push_back(request(values_["greedy"][i % 3]["prompt"], static_cast<int64_t>(i % 5)));
  }
  size_t num_done = 0;
  const auto results =
      engine_->generate(requests, [&](size_t, const GenerateResult&) { ++num_done; });
  EXPECT_EQ(num_done, requests.size());
  for (size_t i = 0; i < results.size(); ++i) {
    const auto expected = values_["greedy"][i % 3]["token_ids"].get<std::vector<int32_t>>();
    ASSERT_LE(results[i].token_ids.size(), i % 5);
    for (size_t j = 0; j < results[i].token_ids.size(); ++j) {
      EXPECT_EQ(results[i].token_ids[j], expected[j]);
    }
  }
}

TEST_F(EngineRules, PromptsThatBeginAlikeMayAllAskForNothing) {
  std::vector<GenerateRequest> requests;
  for (uint64_t group = 0; group < 3; ++group) {
    for (uint64_t i = 0; i < 4; ++i) {
      GenerateRequest& request = requests.emplace_back();
      request.prompt_ids = joined(drawn_ids(group, 30), drawn_ids(100 * group + i, 5));
      request.max_new_tokens = group == 1 ? 3 : 0;
    }
  }
  const auto results = engine_->generate(requests, nullptr);
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].token_ids,
              engine_->generate(std::vector{requests[i]}, nullptr)[0].token_ids);
  }
}

TEST_F(EngineRules, NothingToScoreIsNothing) {
  const std::vector<int32_t> prompt = prompt_.get<std::vector<int32_t>>();
  const auto none = engine_->score(std::vector<ScoreRequest>{{prompt, {}}}, nullptr);
  EXPECT_TRUE(none[0].token_logprobs.empty());
  EXPECT_TRUE(none[0].is_greedy);
  EXPECT_TRUE(engine_->score({}, nullptr).empty());
  EXPECT_TRUE(engine_->generate({}, nullptr).empty());
}

TEST_F(EngineRules, TooLongPromptsAndForeignIdsAreErrors) {
  GenerateRequest long_prompt;
  long_prompt.prompt_ids.assign(129, 5);
  long_prompt.max_new_tokens = 1;
  GenerateRequest foreign = request(prompt_, 1);
  foreign.prompt_ids.push_back(97);
  for (const GenerateRequest& bad : {long_prompt, foreign}) {
    try {
      engine_->generate(std::vector{request(prompt_, 1), bad}, nullptr);
      FAIL() << "was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("input 2"));
    }
  }
}

}  // namespace
}  // namespace sft
