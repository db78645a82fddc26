#include "sft/eval/judged_task.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/judge_protocol.h"
#include "fake_judge.h"
#include "fake_language_model.h"
#include "judged_benchmark.h"

#include "sft/io/json.h"

namespace sft {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

Response answered(const std::string& text, const std::vector<std::string>& earlier = {}) {
  Response response;
  response.text = text;
  response.earlier = earlier;
  return response;
}

TEST(StudyRating, ReadsTheFirstRatingInTwoBrackets) {
  EXPECT_EQ(study_rating("So: Rating: [[7.5]], not Rating: [[9]]"), 7.5);
  EXPECT_EQ(study_rating("Rating:\n\n[[10]]"), 10);
  for (const char* const nothing : {"", "[[5]]", "Rating : [[5]]", "rating: [[5]]", "Rating: [5]",
                                    "Rating: [[1.2.3]]", "Rating: [[.]]", "Rating: [[5/10]]"}) {
    EXPECT_EQ(study_rating(nothing), std::nullopt) << nothing;
  }
}

TEST(OfficialRating, TakesOneBracketWhereThereAreNotTwo) {
  EXPECT_EQ(official_rating("[[5]] and [[6]]"), 5);
  EXPECT_EQ(official_rating("[3] and [[6.5]]"), 6.5);
  EXPECT_EQ(official_rating("a [3] of [4]"), 3);
  EXPECT_EQ(official_rating("ten"), std::nullopt);
}

TEST(PreferredAnswer, IsTheFirstCharacter) {
  EXPECT_EQ(preferred_answer("m"), 1);
  EXPECT_EQ(preferred_answer("M."), 2);
  EXPECT_EQ(preferred_answer(" m"), std::nullopt);
  EXPECT_EQ(preferred_answer(""), std::nullopt);
}

TEST(FillNames, ReplacesAllAtOnceAndKeepsOtherBraces) {
  const std::vector<std::pair<std::string_view, std::string_view>> values = {{"a", "{b}"},
                                                                             {"b", "B"}};
  EXPECT_EQ(fill_names("{a} {b} {c} {{a} {a", values), "{b} B {c} {{b} {a");
}

std::vector<Response> mt_bench_answers() {
  return {answered("second", {"first"}), answered("four", {"two"}), answered("", {"la"})};
}

// Rates first turns 4, second turns of writing 8, of math 6.
JudgeReply rate(const JudgeCall& call) {
  if (call.system.find("turn") == std::string::npos) {
    return says("[[4]]");
  }
  return says(call.system.find("math") == std::string::npos ? "Rating: [[8]]" : "Rating: [[6]]");
}

TEST(MtBench, AsksAboutEachTurnWithItsReference) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("mt_bench", folder);
  FakeJudge judge(rate);
  const std::vector<Response> responses = mt_bench_answers();
  judge_all(benchmark, responses, judge);
  ASSERT_EQ(judge.seen.size(), 6);
  EXPECT_EQ(num_judge_calls(benchmark, 3), 6);
  EXPECT_EQ(judge.seen[0].system, "single-v1!");
  EXPECT_EQ(judge.seen[0].user, "Write.|first [[rating]]");
  EXPECT_EQ(judge.seen[1].system, "single-v1-multi-turn!");
  EXPECT_EQ(judge.seen[1].user, "Write.|first|Shorter {answer_1}.|second [[rating]]");
  EXPECT_EQ(judge.seen[2].user, "<It is 2.>1+1?|two [[rating]]");
  EXPECT_EQ(judge.seen[3].user, "<It is 2.|It is 4.>1+1?|two|And 2+2?|four [[rating]]");
  EXPECT_EQ(judge.seen[3].temperature, 0);
  EXPECT_EQ(judge.seen[3].top_logprobs, 0);
}

TEST(MtBench, ScoresAreTheStudysAndTheOfficialOnes) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("mt_bench", folder);
  FakeJudge judge(rate);
  const std::vector<Response> responses = mt_bench_answers();
  const TaskOutcome outcome = judge_all(benchmark, responses, judge);
  const ResultEntry& entry = outcome.entry;
  EXPECT_EQ(entry.value.metric, "rating");
  EXPECT_DOUBLE_EQ(entry.value.score, (8 + 6 + 8) / 3.0);
  EXPECT_NEAR(entry.value.standard_error, std::sqrt(8.0 / 9 / 3), 1e-12);
  EXPECT_DOUBLE_EQ(entry.strict->score, (4 + 8 + 4 + 6 + 4 + 8) / 6.0);
  EXPECT_EQ(entry.n, 3);
  EXPECT_EQ(entry.num_empty, 1);
  EXPECT_EQ(entry.num_unparsed, 0);
  EXPECT_THAT(entry.subscores,
              ElementsAre(std::pair<std::string, double>("category/math", 6),
                          std::pair<std::string, double>("category/writing", 8),
                          std::pair<std::string, double>("strict/turn_1", 4),
                          std::pair<std::string, double>("strict/turn_2", 22.0 / 3)));
  EXPECT_EQ(outcome.samples[1].extracted, "6");
  EXPECT_DOUBLE_EQ(outcome.samples[1].score, 0.6);
  EXPECT_DOUBLE_EQ(outcome.samples[1].strict->score, 0.5);
  EXPECT_EQ(outcome.samples[1].response, "four");
  EXPECT_EQ(outcome.samples[1].earlier_responses, std::vector<std::string>{"two"});
  EXPECT_EQ(outcome.samples[1].verdicts.at(1).text, "Rating: [[6]]");
  EXPECT_EQ(outcome.judge_usage->num_asked, 6);
  EXPECT_EQ(outcome.judge_usage->prompt_tokens, 600);
}

TEST(MtBench, WhatCannotBeReadIsNoPartOfTheMean) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("mt_bench", folder);
  FakeJudge judge([](const JudgeCall& call) {
    if (call.system.find("math") != std::string::npos) {
      JudgeReply reply;
      reply.failure = "the server answers 400: too long";
      return reply;
    }
    return call.user.find("Sing") != std::string::npos ? says("No idea.") : rate(call);
  });
  const std::vector<Response> responses = mt_bench_answers();
  const ResultEntry entry = judge_all(benchmark, responses, judge).entry;
  EXPECT_DOUBLE_EQ(entry.value.score, 8);
  EXPECT_EQ(entry.n, 1);
  EXPECT_EQ(entry.num_unparsed, 2);
  EXPECT_DOUBLE_EQ(entry.strict->score, 6);
  EXPECT_THAT(entry.notes, ElementsAre(HasSubstr("2 of 6 calls of the judge failed, the first "
                                                 "because: the server answers 400: too long")));
}

TEST(MtBench, AJudgeOfNonsenseGivesNoScore) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("mt_bench", folder);
  FakeJudge judge([](const JudgeCall&) { return says("bla\nbla"); });
  const std::vector<Response> responses = mt_bench_answers();
  EXPECT_THAT([&] { judge_all(benchmark, responses, judge); },
              ThrowsMessage<JudgeError>(
                  "judge fake: none of 3 verdicts for mt_bench could be read; the "
                  "first is 'bla\\nbla'; replies are remembered, --no-cache asks anew"));
}

TEST(MtBench, FilesThatLackSomethingAreNamed) {
  const TempFolder folder;
  write_judge_files(folder);
  folder.write("mt_bench/reference_answer_gpt-4.jsonl", "");
  EXPECT_THAT([&] { judged_benchmark("mt_bench", folder); },
              ThrowsMessage<Error>(HasSubstr("has no answer to question 111")));
  folder.write("mt_bench/judge_prompts.jsonl", "");
  EXPECT_THAT([&] { judged_benchmark("mt_bench", folder); },
              ThrowsMessage<Error>(HasSubstr("has no judge's prompt 'single-v1'")));
  std::filesystem::remove(folder.path() / "mt_bench/judge_prompts.jsonl");
  EXPECT_EQ(judged_benchmark("mt_bench", folder).missing_file, "mt_bench/judge_prompts.jsonl");
}

// A protocol's slips in a task of one's own.
TEST(JudgeProtocol, FaultsOfATaskSayWhereTheyStand) {
  const TempFolder folder;
  write_judge_files(folder);
  const std::string yaml =
      read_whole_file(std::string(SFT_TEST_SOURCE_DIR) + "/configs/tasks/mt_bench.yaml");
  const auto fault = [&](const std::string& from, const std::string& to) {
    std::string changed = yaml;
    changed.replace(changed.find(from), from.size(), to);
    const TaskSpec spec = read_task(ConfigNode::parse(changed, "mine.yaml"));
    try {
      load_benchmarks({{.spec = spec, .shot = spec.shots.at(0)}}, folder.path(), {});
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(fault("protocol: mt_bench", "protocol: mtbench"),
              AllOf(HasSubstr("mine.yaml:"), HasSubstr("did you mean 'mt_bench'?")));
  EXPECT_THAT(fault("  files:", "  texts: {promts: x}\n  files:"),
              HasSubstr("did you mean 'prompts'?"));
  EXPECT_THAT(fault("    references: mt_bench/reference_answer_gpt-4.jsonl\n", ""),
              HasSubstr("needs 'references'"));
  EXPECT_THAT(fault("  category: \"{category}\"\n", ""), HasSubstr("needs a column 'category'"));
  EXPECT_THAT(fault("      - bot: \"{response}\"", "      - bot: \"yes\""),
              HasSubstr("needs 'rounds' of two turns"));
}

std::vector<Response> alpaca_answers() {
  std::vector<Response> responses;
  responses.reserve(6);
  for (int i = 0; i < 6; ++i) {
    responses.push_back(answered("Mine " + std::to_string(i)));
  }
  return responses;
}

// Likes the model's answers to even questions, the baseline's to odd ones, with 80 %.
JudgeReply prefer(const JudgeCall& call) {
  const size_t mine = call.user.find("Mine ");
  const bool is_mine_first = mine < call.user.find("Base ");
  const bool is_even = (call.user[mine + 5] - '0') % 2 == 0;
  const bool likes_first = is_mine_first == is_even;
  return says(likes_first ? "m" : "M",
              {{.token = "m", .logprob = std::log(likes_first ? 0.4 : 0.1)},
               {.token = "The", .logprob = std::log(0.5)},
               {.token = "M", .logprob = std::log(likes_first ? 0.1 : 0.4)}});
}

// random.seed(666) puts the model's answer behind the baseline's four times, then once before it.
TEST(AlpacaEval, AsksInTheOrdersOfTheProtocols) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("alpaca_eval", folder);
  FakeJudge judge(prefer);
  const std::vector<Response> responses = alpaca_answers();
  judge_all(benchmark, responses, judge);
  ASSERT_EQ(judge.seen.size(), 12);
  std::vector<bool> is_mine_first;
  for (size_t i = 0; i < judge.seen.size(); i += 2) {
    const std::string& user = judge.seen[i].user;
    is_mine_first.push_back(user.find("Mine ") < user.find("Base "));
  }
  EXPECT_EQ(is_mine_first, (std::vector<bool>{false, false, false, false, true, false}));
  const JudgeCall& study = judge.seen[0];
  EXPECT_THAT(study.system, testing::StartsWith("You are a highly efficient assistant"));
  EXPECT_THAT(study.user, testing::StartsWith("\nI require a leaderboard"));
  EXPECT_THAT(study.user, HasSubstr("\"instruction\": \"Do 0.\",\n"));
  EXPECT_THAT(study.user, testing::EndsWith("## Best Model Identifier\n"));
  EXPECT_EQ(study.temperature, 0);
  const JudgeCall& official = judge.seen[1];
  EXPECT_EQ(official.system, "Official.");
  EXPECT_THAT(official.user,
              testing::AnyOf("Do 0.: Base b. or Mine 0?", "Do 0.: Mine 0 or Base b.?"));
  EXPECT_EQ(official.max_tokens, 1);
  EXPECT_EQ(official.top_logprobs, 5);
}

TEST(AlpacaEval, WinRatesAreTheStudysAndTheWeightedOne) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("alpaca_eval", folder);
  FakeJudge judge(prefer);
  const std::vector<Response> responses = alpaca_answers();
  const TaskOutcome outcome = judge_all(benchmark, responses, judge);
  const ResultEntry& entry = outcome.entry;
  EXPECT_EQ(entry.value.metric, "win_rate");
  EXPECT_DOUBLE_EQ(entry.value.score, 50);
  EXPECT_EQ(entry.strict->metric, "weighted_win_rate");
  EXPECT_NEAR(entry.strict->score, 50, 1e-9);
  EXPECT_NEAR(outcome.samples[0].strict->score, 0.8, 1e-12);
  EXPECT_NEAR(outcome.samples[1].strict->score, 0.2, 1e-12);
  EXPECT_EQ(outcome.samples[0].score, 1);
  EXPECT_EQ(outcome.samples[1].score, 0);
  EXPECT_THAT(entry.subscores,
              Contains(std::pair<std::string, double>("dataset/koala", 100 * (2.0 / 3))));
  EXPECT_THAT(entry.notes, ElementsAre(HasSubstr("alpaca_eval/df_gamed.csv")));
}

TEST(AlpacaEval, WithoutLogprobsThereIsTheStudysRateAlone) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("alpaca_eval", folder);
  FakeJudge judge([](const JudgeCall& call) {
    return says(call.user.find("Mine 3") == std::string::npos ? prefer(call).text : "Both.");
  });
  const std::vector<Response> responses = alpaca_answers();
  const ResultEntry entry = judge_all(benchmark, responses, judge).entry;
  EXPECT_DOUBLE_EQ(entry.value.score, 60);  // wins of those that could be read
  EXPECT_EQ(entry.n, 5);
  EXPECT_EQ(entry.num_unparsed, 1);
  EXPECT_FALSE(entry.strict);
  EXPECT_THAT(entry.notes, ElementsAre(HasSubstr("no log-probabilities")));
}

TEST(AlpacaEval, TheDifficultiesGiveALengthControlledRate) {
  const TempFolder folder;
  write_judge_files(folder);
  std::string rows = "index,preference,std_delta_len,instruction_difficulty,not_gamed_baseline\n";
  for (int i = 0; i < 12; ++i) {
    rows += std::to_string(i % 6) + "," + (i % 3 == 0 ? "0.9" : "0.3") + "," +
            (i < 6 ? "-0.8" : "0.9") + ",-" + std::to_string(1 + i % 6) + ".5,False\n";
  }
  folder.write("alpaca_eval/df_gamed.csv", rows);
  const Benchmark benchmark = judged_benchmark("alpaca_eval", folder);
  FakeJudge judge(prefer);
  const std::vector<Response> responses = alpaca_answers();
  const ResultEntry entry = judge_all(benchmark, responses, judge).entry;
  EXPECT_TRUE(entry.notes.empty());
  EXPECT_EQ(entry.subscores.back().first, "length_controlled_win_rate");
  EXPECT_GT(entry.subscores.back().second, 0);
  EXPECT_LT(entry.subscores.back().second, 100);
  folder.write("alpaca_eval/df_gamed.csv",
               "index,preference,std_delta_len,instruction_difficulty,not_gamed_baseline\n"
               "0,x,1,1,False\n");
  EXPECT_THAT([&] { judged_benchmark("alpaca_eval", folder); },
              ThrowsMessage<Error>(HasSubstr("df_gamed.csv:2: 'preference' must be a number")));
}

TEST(Judgements, PreferencesAreTheWinRate) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("alpaca_eval", folder);
  const std::filesystem::path path = folder.write("given.jsonl",
                                                  "{\"preference\": 1.25, \"generator_1\": \"g\"}\n"
                                                  "{\"preference\": 2}\n"
                                                  "{\"preference\": null}\n");
  const TaskOutcome outcome = score_judgements(benchmark, path);
  EXPECT_DOUBLE_EQ(outcome.entry.value.score, 62.5);
  EXPECT_DOUBLE_EQ(outcome.entry.strict->score, 62.5);
  EXPECT_EQ(outcome.entry.n, 2);
  EXPECT_EQ(outcome.entry.n_total, 6);
  EXPECT_EQ(outcome.entry.num_unparsed, 1);
  EXPECT_EQ(outcome.samples[1].id, "1");
}

TEST(Judgements, VerdictsAreReadInTheStudysOrder) {
  const TempFolder folder;
  write_judge_files(folder);
  const std::filesystem::path path =
      folder.write("given.jsonl",
                   "{\"id\": 4, \"verdict\": \"m\"}\n"      // the model is first
                   "{\"id\": \"0\", \"verdict\": \"m\"}\n"  // the baseline is
                   "{\"id\": \"1\", \"verdict\": \"none\"}\n");
  const ResultEntry entry = score_judgements(judged_benchmark("alpaca_eval", folder), path).entry;
  EXPECT_DOUBLE_EQ(entry.value.score, 50);
  EXPECT_FALSE(entry.strict);
  const std::filesystem::path ratings =
      folder.write("ratings.jsonl",
                   "{\"verdict\": \"Rating: [[3]]\"}\n"
                   "{\"id\": \"2\", \"verdict\": \"Rating: [[9]]\"}\n");
  const ResultEntry rated = score_judgements(judged_benchmark("mt_bench", folder), ratings).entry;
  EXPECT_DOUBLE_EQ(rated.value.score, 6);
  EXPECT_FALSE(rated.strict);
  EXPECT_TRUE(rated.notes.empty());
}

struct Broken {
  std::string bytes;
  std::string message;
};

TEST(Judgements, BrokenLinesSayWhereTheyStand) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("alpaca_eval", folder);
  for (const Broken& c : std::vector<Broken>{
           {"{\"preference\": 2.5}", "given.jsonl:1: 'preference' is 2.5, must be from 1"},
           {"{\"preference\": \"2\"}", "given.jsonl:1"},
           {"{\"id\": \"0\"}", "given.jsonl:1: 'verdict' is missing"},
           {"{\"id\": \"9\", \"verdict\": \"m\"}", "given.jsonl:1: no question '9'"},
           {"{\"preference\": 1}\n{\"id\": 0, \"preference\": 1}",
            "given.jsonl:2: a second verdict for question '0'"},
           {"[1]", "given.jsonl:1"},
           {"{\"verdict\": \"x\"}", "none of 1 verdicts could be read"},
           {"", "holds no verdicts"}}) {
    const std::filesystem::path path = folder.write("given.jsonl", c.bytes);
    EXPECT_THAT([&] { score_judgements(benchmark, path); },
                ThrowsMessage<Error>(HasSubstr(c.message)))
        << c.bytes;
  }
}

TEST(JudgedResponses, AreReadWithTheirTurns) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("mt_bench", folder);
  FakeJudge judge(rate);
  const std::filesystem::path path = folder.write(
      "given.jsonl",
      "{\"id\": \"1\", \"response\": [\"two\", \"four\"]}\n"
      "{\"id\": \"0\", \"response\": \"second\", \"earlier_responses\": [\"first\"]}\n");
  const TaskOutcome outcome = judge_given_responses(benchmark, path, judge, ignore_reply);
  EXPECT_EQ(judge.seen.at(3).user, "<It is 2.|It is 4.>1+1?|two|And 2+2?|four [[rating]]");
  EXPECT_EQ(outcome.entry.n, 2);
  EXPECT_EQ(outcome.entry.settings["judge"], "fake");
  folder.write("given.jsonl", "{\"id\": \"1\", \"response\": \"four\"}\n");
  EXPECT_THAT([&] { judge_given_responses(benchmark, path, judge, ignore_reply); },
              ThrowsMessage<Error>(HasSubstr("question '1' of mt_bench has 2 turns, its response "
                                             "1; write \"response\" as a list")));
}

// The second turn is asked after the model's own answer to the first.
TEST(JudgedResponses, AreGeneratedTurnByTurn) {
  const TempFolder folder;
  write_judge_files(folder);
  const Benchmark benchmark = judged_benchmark("mt_bench", folder);
  EXPECT_EQ(num_answers(benchmark), 6);
  FakeLanguageModel model(
      [](const std::string& prompt) {
        return prompt.find("Again.") != std::string::npos ? "" : "I say {question_2}";
      },
      /*context_length=*/2000);
  const Template layout{.name = "qa", .turn = "Q: {instruction}\nA: {response}", .separator = "\n"};
  const auto ask = [&](PromptEnd end) {
    return Evaluator(model, layout,
                     {.prompt_end = end, .dtype = "float32", .max_new_tokens = 0, .limits = {}})
        .answer(benchmark, [](size_t) {});
  };
  const std::vector<Response> responses = ask(PromptEnd::kExact);
  ASSERT_EQ(responses.size(), 3);
  EXPECT_EQ(responses[1].generation->prompt, "Q: 1+1?\nA: I say {question_2}Q: And 2+2?\nA: ");
  EXPECT_EQ(responses[1].earlier, std::vector<std::string>{"I say {question_2}"});
  EXPECT_EQ(responses[1].text, "I say {question_2}");
  EXPECT_EQ(responses[2].text, "");
  EXPECT_TRUE(responses[1].generation->is_unlike_training);
  EXPECT_EQ(model.seen.at(0).max_new_tokens, 1024);
  EXPECT_EQ(responses[1].generation->prompt_tokens,
            static_cast<int64_t>(std::string("Q: 1+1?\nA: ").size() +
                                 responses[1].generation->prompt.size()));
  EXPECT_EQ(ask(PromptEnd::kTrimmed)[1].generation->prompt,
            "Q: 1+1?\nA:I say {question_2}Q: And 2+2?\nA:");
}

}  // namespace
}  // namespace sft
