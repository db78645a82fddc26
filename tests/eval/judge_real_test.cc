// Judged tasks held against what their authors' programs made of the real files: needs ../shared.

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/judge_protocol.h"
#include "fake_judge.h"
#include "judged_benchmark.h"

#include "sft/io/jsonl.h"

namespace sft {
namespace {

class RealJudge : public testing::Test {
 protected:
  void SetUp() override {
    if (shared_folder().empty()) {
      GTEST_SKIP() << "no folder ../shared";
    }
  }
  static std::filesystem::path bench() { return shared_folder() / "data" / "bench"; }
  static Benchmark load(const std::string& name) {
    const TaskSpec spec =
        load_task(std::string(SFT_TEST_SOURCE_DIR) + "/configs/tasks/" + name + ".yaml");
    return load_benchmarks({{.spec = spec, .shot = spec.shots.at(0)}}, bench(), {}).at(0);
  }
};

// alpaca-7b on the published leaderboard.
TEST_F(RealJudge, TheWinRateOfAlpaca7bIsThePublishedOne) {
  const ResultEntry entry =
      score_judgements(load("alpaca_eval"),
                       bench() / "alpaca_eval" / "alpaca-7b_weighted_preferences.jsonl")
          .entry;
  EXPECT_DOUBLE_EQ(entry.value.score, 2.591450540223603);
  EXPECT_EQ(entry.n, 805);
}

TEST_F(RealJudge, TheStudysOrderIsPythons) {
  const Json reference =
      read_json(shared_folder() / "reference" / "opencompass" / "alpaca_order_seed666.json");
  const Benchmark benchmark = load("alpaca_eval");
  const JudgeProtocol& protocol = *benchmark.protocol;
  Response response;
  response.text = "The model's answer, which no baseline gave.";
  const std::vector<Question>& questions = benchmark.data->questions;
  ASSERT_EQ(questions.size(), reference["model_first"].size());
  for (size_t i = 0; i < questions.size(); ++i) {
    const std::string user = protocol.calls(questions[i], response).at(0).user;
    const bool is_first = user.find(response.text) < user.find("\"model_identifier\": \"M\"");
    EXPECT_EQ(is_first, reference["model_first"][i].get<int>() == 1) << i;
  }
}

// From the judge's published replies, which name tokens in the order of the prompt, to the
// published preferences, which do not.
TEST_F(RealJudge, WeightedPreferencesAreThePublishedOnes) {
  const Benchmark benchmark = load("alpaca_eval");
  const JudgeProtocol& protocol = *benchmark.protocol;
  const Json annotations =
      read_json(bench() / "alpaca_eval" / "alpaca-7b_weighted_annotations_first200.json");
  int num_compared = 0;
  for (size_t i = 0; i < annotations.size(); ++i) {
    const Json& annotation = annotations[i];
    if (!annotation["raw_completion"].is_object()) {
      continue;
    }
    const Question& question = benchmark.data->questions.at(i);
    ASSERT_EQ(column_text(question.columns, "question"),
              annotation["instruction"].get<std::string>());
    JudgeReply reply;
    for (const Json& token :
         annotation["raw_completion"]["logprobs"]["content"][0]["top_logprobs"]) {
      reply.first_token.push_back(
          {.token = token["token"].get<std::string>(), .logprob = token["logprob"].get<double>()});
    }
    const std::vector<JudgeReply> replies = {says(""), reply};
    const Judgement judgement = protocol.read(question, Response(), replies);
    ASSERT_EQ(judgement.official.size(), 1) << i;
    EXPECT_NEAR(1 + judgement.official[0], annotation["preference"].get<double>(), 1e-8) << i;
    ++num_compared;
  }
  EXPECT_EQ(num_compared, 199);
}

TEST_F(RealJudge, EveryPromptOfMtBenchIsWhole) {
  const Benchmark benchmark = load("mt_bench");
  FakeJudge judge([](const JudgeCall&) { return says("Rating: [[5]]"); });
  Response response;
  response.text = "<second>";
  response.earlier = {"<first>"};
  const std::vector<Response> responses(benchmark.data->questions.size(), response);
  const TaskOutcome outcome = judge_all(benchmark, responses, judge);
  EXPECT_EQ(outcome.entry.n, 80);
  EXPECT_EQ(outcome.entry.subscores.size(), 10);
  std::map<std::string, int> num_calls;
  for (const JudgeCall& call : judge.seen) {
    ++num_calls[call.system.substr(0, 20)];
    EXPECT_EQ(call.user.find("{answer"), std::string::npos);
    EXPECT_EQ(call.user.find("{question"), std::string::npos);
    EXPECT_EQ(call.user.find("{ref_answer"), std::string::npos);
    EXPECT_NE(call.user.find("<first>"), std::string::npos);
  }
  EXPECT_EQ(num_calls["You are a helpful as"], 80);
  EXPECT_EQ(num_calls["Please act as an imp"], 80);
}

}  // namespace
}  // namespace sft
