// `sft eval` of judged tasks from outside: a tiny random model, made questions, and a judge on a
// server of our own.

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include "http_server.h"
#include "judge_files.h"
#include "workplace.h"

namespace sft {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "sk-very-secret-0123";

class JudgedEvaluation : public Workplace {
 protected:
  enum class Mood { kWell, kNonsense, kNoLogprobs, kRefuses, kOverrun, kSilent };

  JudgedEvaluation() : server_([this](const ServedRequest& request) { return reply(request); }) {}

  void SetUp() override {
    Workplace::SetUp();
    write_judge_files(folder);
    setenv("SFT_JUDGE_URL", (server_.url() + "/v1").c_str(), /*replace=*/1);
    setenv("SFT_JUDGE_KEY", kKey, /*replace=*/1);
    setenv("SFT_JUDGE_MODEL", "tester", /*replace=*/1);
  }
  void TearDown() override {
    wake();
    for (const char* const name : {"SFT_JUDGE_URL", "SFT_JUDGE_KEY", "SFT_JUDGE_MODEL"}) {
      unsetenv(name);
    }
  }

  BinaryResult evaluate(const std::string& output, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"eval", "--ckpt",           "model",   "--data-dir",
                                          ".",    "--dtype",          "float32", "--output",
                                          output, "--max-new-tokens", "4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return sft(arguments);
  }
  Json entry(const std::string& output, size_t place = 0) const {
    return read_json(path(output + "/results.json")).at("results").at(place);
  }
  size_t num_requests() const {
    const std::lock_guard guard(mutex_);
    return num_requests_;
  }
  // Waits for so many requests.
  void await_requests(size_t number) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return num_requests_ >= number; });
  }
  // Ends the silence.
  void wake() {
    {
      const std::lock_guard guard(mutex_);
      is_awake_ = true;
    }
    changed_.notify_all();
  }
  // All files that the program wrote, its own home's included.
  std::string all_written() const {
    std::string text;
    for (const std::filesystem::path& root : {folder.path(), home.path()}) {
      for (const auto& file : std::filesystem::recursive_directory_iterator(root)) {
        if (file.is_regular_file()) {
          text += read_whole_file(file.path());
        }
      }
    }
    return text;
  }

  Mood mood = Mood::kWell;

 private:
  ServedResponse reply(const ServedRequest& request) {
    size_t number = 0;
    {
      std::unique_lock lock(mutex_);
      number = num_requests_++;
      changed_.notify_all();
      changed_.wait(lock, [this] { return mood != Mood::kSilent || is_awake_; });
    }
    if (mood == Mood::kRefuses ||
        request.header("authorization") != std::string("Bearer ") + kKey) {
      return {.status = 401, .body = "who is " + request.header("authorization")};
    }
    if (mood == Mood::kOverrun && number % 3 == 0) {
      return number % 2 == 0 ? ServedResponse{.status = 429, .headers = {{"Retry-After", "0"}}}
                             : ServedResponse{.body = "{\"choices\"", .content_length = 500};
    }
    const Json body = Json::parse(request.body);
    const bool rates = request.body.find("[[rating]]") != std::string::npos;
    Json choice = {{"message",
                    {{"content", mood == Mood::kNonsense ? "Hm."
                                 : rates                 ? "Rating: [[7]]"
                                                         : "m"}}}};
    if (body.contains("top_logprobs") && mood == Mood::kWell) {
      choice["logprobs"]["content"] = {
          {{"token", "m"},
           {"top_logprobs",
            {{{"token", "m"}, {"logprob", -0.1}}, {{"token", "M"}, {"logprob", -3}}}}}};
    }
    return {.body = Json{{"choices", {choice}},
                         {"usage", {{"prompt_tokens", 1000}, {"completion_tokens", 100}}}}
                        .dump()};
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_awake_ = false;
  size_t num_requests_ = 0;
  HttpServer server_;
};

TEST_F(JudgedEvaluation, ScoresBothTasksAndAsksNothingTwice) {
  const std::vector<std::string> tasks = {"--tasks", "mt_bench,alpaca_eval", "--judge-price",
                                          "2,10"};
  const BinaryResult first = evaluate("one", tasks);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(num_requests(), 3U * 2 + 6U * 2);
  const Json mt_bench = entry("one");
  EXPECT_EQ(mt_bench["task"], "mt_bench");
  EXPECT_EQ(mt_bench["metric"], "rating");
  EXPECT_EQ(mt_bench["score"], 7.0);
  EXPECT_EQ(mt_bench["strict"]["score"], 7.0);
  EXPECT_EQ(mt_bench["n"], 3);
  EXPECT_EQ(mt_bench["subscores"]["category/math"], 7.0);
  EXPECT_EQ(mt_bench["settings"]["judge"], "tester");
  const Json alpaca = entry("one", 1);
  // Always "m": the first, which is the model's in one of the six.
  EXPECT_DOUBLE_EQ(alpaca["score"].get<double>(), 100.0 / 6);
  EXPECT_EQ(alpaca["strict"]["metric"], "weighted_win_rate");
  EXPECT_THAT(alpaca["notes"].dump(), HasSubstr("df_gamed.csv"));
  EXPECT_THAT(first.out,
              HasSubstr("mt_bench:0: judge tester: 6 calls; 6.00k tokens in, 600 out, $0.02"));
  const std::vector<Json> samples =
      json_lines(read_whole_file(path("one/samples/mt_bench_0shot.jsonl")));
  ASSERT_EQ(samples.size(), 3);
  EXPECT_EQ(samples[0]["verdicts"][1]["text"], "Rating: [[7]]");
  EXPECT_EQ(samples[0]["earlier_responses"].size(), 1);
  EXPECT_EQ(read_json(path("one/timing.json"))["mt_bench:0"]["judge"]["asked"], 6);

  const BinaryResult again = evaluate("two", tasks);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(num_requests(), 3U * 2 + 6U * 2);
  EXPECT_THAT(again.out, HasSubstr("6 calls, 6 of them remembered; 0 tokens in"));
  EXPECT_EQ(read_whole_file(path("one/results.json")), read_whole_file(path("two/results.json")));
  EXPECT_EQ(read_whole_file(path("one/samples/mt_bench_0shot.jsonl")),
            read_whole_file(path("two/samples/mt_bench_0shot.jsonl")));
  EXPECT_THAT(all_written() + first.out + first.err, Not(HasSubstr("very-secret")));
}

TEST_F(JudgedEvaluation, SurvivesAnOverrunServer) {
  mood = Mood::kOverrun;
  const BinaryResult result = evaluate("one", {"--tasks", "mt_bench", "--judge-parallel", "2"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(entry("one")["score"], 7.0);
  EXPECT_THAT(result.err, HasSubstr("tries again"));
}

TEST_F(JudgedEvaluation, AJudgeOfNonsenseLosesNoAnswer) {
  mood = Mood::kNonsense;
  const BinaryResult result = evaluate("one", {"--tasks", "mt_bench,alpaca_eval"});
  EXPECT_EQ(result.exit_code, 1);
  // One line, of both tasks.
  EXPECT_THAT(result.err, HasSubstr("sft: error: mt_bench:0 is not scored: judge tester: none of 3 "
                                    "verdicts for mt_bench could be read; the first is 'Hm.'"));
  EXPECT_EQ(json_lines(read_whole_file(path("one/answers/mt_bench_0shot.jsonl"))).size(), 3);
  EXPECT_EQ(json_lines(read_whole_file(path("one/answers/alpaca_eval_0shot.jsonl"))).size(), 6);
  // They are judged later, by the same command or as given responses.
  mood = Mood::kWell;
  const BinaryResult given =
      sft({"eval", "--responses", "one/answers/mt_bench_0shot.jsonl", "--task", "mt_bench",
           "--data-dir", ".", "--output", "given", "--no-cache"});
  ASSERT_EQ(given.exit_code, 0) << given.err;
  EXPECT_EQ(entry("given")["score"], 7.0);
  ASSERT_EQ(evaluate("one", {"--tasks", "mt_bench,alpaca_eval", "--no-cache"}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(path("one/answers")));
}

TEST_F(JudgedEvaluation, ARefusalIsOneLineWithoutTheKey) {
  mood = Mood::kRefuses;
  const BinaryResult result = evaluate("one", {"--tasks", "alpaca_eval"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("SFT_JUDGE_KEY is set, but to a key that it refuses"));
  EXPECT_THAT(result.err + all_written(), Not(HasSubstr("very-secret")));
  EXPECT_TRUE(std::filesystem::exists(path("one/answers/alpaca_eval_0shot.jsonl")));
}

TEST_F(JudgedEvaluation, AJudgeThatIsDownIsSaidAtOnce) {
  setenv("SFT_JUDGE_URL", "http://127.0.0.1:9/v1", /*replace=*/1);
  const BinaryResult result = evaluate("one", {"--tasks", "mt_bench"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("cannot be reached"), HasSubstr("SFT_JUDGE_URL"),
                                HasSubstr("one/answers/mt_bench_0shot.jsonl")));
}

TEST_F(JudgedEvaluation, ASignalEndsTheWaitForASilentJudge) {
  mood = Mood::kSilent;
  RunningBinary binary(
      with_threads({"eval", "--ckpt", "model", "--data-dir", ".", "--output", "one",
                    "--max-new-tokens", "4", "--tasks", "mt_bench", "--judge-parallel", "1"}),
      folder.path());
  await_requests(1);
  binary.send(SIGTERM);
  const BinaryResult stopped = binary.wait();
  EXPECT_EQ(stopped.exit_code, 75) << stopped.err;
  wake();
  ASSERT_EQ(evaluate("one", {"--tasks", "mt_bench"}).exit_code, 0);
}

TEST_F(JudgedEvaluation, WithoutLogprobsTheOfficialRateIsLeftOut) {
  mood = Mood::kNoLogprobs;
  const BinaryResult result = evaluate("one", {"--tasks", "alpaca_eval", "--limit", "5"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_DOUBLE_EQ(entry("one")["score"].get<double>(), 20);
  EXPECT_FALSE(entry("one").contains("strict"));
  EXPECT_THAT(entry("one")["notes"].dump(), HasSubstr("no log-probabilities"));
}

// Faults of the command line, before anything is loaded: the checkpoint is not even there.
TEST_F(JudgedEvaluation, NeedsAJudgeWhereATaskIsNamed) {
  unsetenv("SFT_JUDGE_URL");
  const auto fault = [this](const std::vector<std::string>& arguments) {
    const BinaryResult result = sft(arguments);
    EXPECT_EQ(result.exit_code, 2) << result.err;
    return result.err;
  };
  EXPECT_THAT(fault({"eval", "--ckpt", "nowhere", "--tasks", "gsm8k:0,mt_bench"}),
              AllOf(HasSubstr("SFT_JUDGE_URL"), HasSubstr("SFT_JUDGE_MODEL"),
                    HasSubstr("SFT_JUDGE_KEY"), Not(HasSubstr("nowhere"))));
  EXPECT_THAT(fault({"eval", "--responses", "x.jsonl", "--task", "alpaca_eval"}),
              HasSubstr("SFT_JUDGE_URL"));
  setenv("SFT_JUDGE_URL", "me:secret@host", /*replace=*/1);
  EXPECT_THAT(fault({"eval", "--ckpt", "nowhere", "--tasks", "mt_bench"}),
              AllOf(HasSubstr("SFT_JUDGE_URL must be"), Not(HasSubstr("secret"))));
  EXPECT_THAT(fault({"eval", "--judgements", "x.jsonl", "--task", "gsm8k"}),
              HasSubstr("is not scored by a judge"));
  EXPECT_THAT(fault({"eval", "--judgements", "x.jsonl"}), HasSubstr("--judgements needs --task"));
}

TEST_F(JudgedEvaluation, StoredVerdictsNeedNoJudge) {
  unsetenv("SFT_JUDGE_URL");
  folder.write("given.jsonl", "{\"preference\": 1.5}\n{\"preference\": 1.0}\n");
  const BinaryResult result = sft({"eval", "--judgements", "given.jsonl", "--task", "alpaca_eval",
                                   "--data-dir", ".", "--output", "one"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(entry("one")["score"], 25.0);
  EXPECT_EQ(entry("one")["n"], 2);
}

}  // namespace
}  // namespace sft
