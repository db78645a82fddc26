#include "sft/eval/evaluator.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_language_model.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/eval/evaluation_folder.h"
#include "sft/eval/given_responses.h"

namespace sft {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kQuiz = R"(
name: quiz
version: 3
file: quiz.jsonl
columns: {q: "{q}", label: "{a}"}
answer: label
group: "{s}"
average: groups
categories: {both: [x, y], none: [z]}
metric: accuracy
study: {extract: first_capital, score: equal}
strict: {extract: option_letter, options: AB, score: equal}
shots:
  0:
    rounds: [{human: "{q}?"}]
    max_new_tokens: 20
    stops: ["#"]
)";

constexpr const char* kRows =
    R"({"s": "x", "q": "one", "a": "A"}
{"s": "x", "q": "two", "a": "B"}
{"s": "x", "q": "three", "a": "A"}
{"s": "y", "q": "four", "a": "B"}
)";

const Template kLayout{.name = "qa", .turn = "Q: {instruction}\nA: {response}", .separator = "\n"};

// The quiz with its file in a folder of its own.
class Quiz {
 public:
  explicit Quiz(const QuestionLimits& limits = {}) {
    folder_.write("quiz.jsonl", kRows);
    const TaskSpec spec = read_task(ConfigNode::parse(kQuiz, "quiz.yaml"));
    benchmark =
        load_benchmarks({{.spec = spec, .shot = spec.shots.at(0)}}, folder_.path(), limits).at(0);
  }
  const TempFolder& folder() const { return folder_; }

  Benchmark benchmark;

 private:
  TempFolder folder_;
};

FakeLanguageModel answering(const std::map<std::string, std::string>& answers,
                            int64_t context_length = 1000) {
  return {[answers](const std::string& prompt) {
            for (const auto& [piece, answer] : answers) {
              if (prompt.find(piece) != std::string::npos) {
                return answer;
              }
            }
            return std::string();
          },
          context_length};
}

EvalSettings settings(PromptEnd end = PromptEnd::kExact) {
  return {.prompt_end = end, .dtype = "float32", .max_new_tokens = 0, .limits = {}};
}

void ignore(size_t /*num_done*/) {}

TEST(Evaluator, AsksThroughTheTemplate) {
  const Quiz quiz;
  FakeLanguageModel model = answering({});
  const TaskOutcome outcome = Evaluator(model, kLayout, settings()).run(quiz.benchmark, ignore);
  EXPECT_EQ(outcome.samples.at(0).prompt, "Q: one?\nA: ");
  ASSERT_EQ(model.seen.size(), 4);
  EXPECT_EQ(model.seen[0].prompt_ids.size(), 11);
  EXPECT_EQ(model.seen[0].max_new_tokens, 20);
  EXPECT_EQ(model.seen[0].stops, std::vector<std::string>{"#"});
  EXPECT_EQ(model.seen[0].sampling.temperature, 0);
}

TEST(Evaluator, PromptsEndAsAskedFor) {
  const Quiz quiz;
  FakeLanguageModel model = answering({});
  const EvalSettings trimmed = settings(PromptEnd::kTrimmed);
  EXPECT_EQ(Evaluator(model, kLayout, trimmed).run(quiz.benchmark, ignore).samples[0].prompt,
            "Q: one?\nA:");
  EXPECT_EQ(Evaluator(model, std::nullopt, trimmed).run(quiz.benchmark, ignore).samples[0].prompt,
            "one?");
}

TEST(Evaluator, ScoresByGroupsAsTheStudyDoes) {
  const Quiz quiz;
  FakeLanguageModel model = answering(
      {{"one", " A"}, {"two", "no A"}, {"three", "it is A"}, {"four", "B. because of everything"}});
  const ResultEntry entry = Evaluator(model, kLayout, settings()).run(quiz.benchmark, ignore).entry;
  // x: 2 of 3 = 66.67 rounded, y: 1 of 1.
  EXPECT_DOUBLE_EQ(entry.value.score, (66.67 + 100) / 2);
  EXPECT_NEAR(entry.value.standard_error, 100 * std::sqrt(2.0 / 9 / 3) / 2, 1e-12);
  EXPECT_DOUBLE_EQ(entry.strict->score, (33.33 + 100) / 2);
  EXPECT_EQ(entry.n, 4);
  EXPECT_EQ(entry.n_total, 4);
  EXPECT_EQ(entry.version, 3);
  EXPECT_EQ(entry.num_cut_off, 1);
  const std::vector<std::pair<std::string, double>> expected = {
      {"weighted", 75}, {"both", (66.67 + 100) / 2}, {"x", 100 * (2.0 / 3)}, {"y", 100}};
  EXPECT_EQ(entry.subscores, expected);
}

TEST(Evaluator, CountsWhatCouldNotBeRead) {
  const Quiz quiz;
  FakeLanguageModel model =
      answering({{"one", " \n"}, {"two", "no letter"}, {"three", ""}, {"four", "B"}});
  const TaskOutcome outcome = Evaluator(model, kLayout, settings()).run(quiz.benchmark, ignore);
  EXPECT_EQ(outcome.entry.num_empty, 2);
  EXPECT_EQ(outcome.entry.num_unparsed, 3);
  EXPECT_EQ(outcome.entry.num_cut_off, 0);
  EXPECT_EQ(outcome.samples[0].response, " \n");
  EXPECT_EQ(outcome.samples[3].response_tokens, 2);
  EXPECT_EQ(outcome.samples[3].finish, "eos");
}

TEST(Evaluator, AnOverLongPromptCountsAsAnsweredByNothing) {
  const Quiz quiz;
  // "Q: three?\nA: " has 13 tokens, which leave no room in 13.
  FakeLanguageModel model = answering({{"three", "A"}, {"four", "B"}}, /*context_length=*/13);
  const TaskOutcome outcome = Evaluator(model, kLayout, settings()).run(quiz.benchmark, ignore);
  EXPECT_EQ(model.seen.size(), 3);
  EXPECT_EQ(outcome.entry.num_over_long, 1);
  EXPECT_EQ(outcome.entry.num_cut_off, 0);
  EXPECT_EQ(outcome.samples[2].response, "");
  EXPECT_EQ(outcome.samples[2].finish, "context");
  EXPECT_EQ(outcome.samples[2].prompt_tokens, 13);
  EXPECT_EQ(outcome.samples[3].score, 1);
}

TEST(Evaluator, SettingsSayWhatTheScoreDependsOn) {
  const QuestionLimits limits{.per_group = 1, .num_groups = 1};
  const Quiz quiz(limits);
  FakeLanguageModel model = answering({});
  const ResultEntry entry = Evaluator(model, kLayout,
                                      {.prompt_end = PromptEnd::kTrimmed,
                                       .dtype = "bf16",
                                       .max_new_tokens = 5,
                                       .limits = limits})
                                .run(quiz.benchmark, ignore)
                                .entry;
  EXPECT_EQ(entry.settings.dump(),
            R"({"prompt_end":"trimmed","dtype":"bf16","max_new_tokens":5,"limit":1,)"
            R"("limit_subjects":1})");
  EXPECT_EQ(entry.n, 1);
  EXPECT_EQ(entry.n_total, 4);
  EXPECT_EQ(model.seen.at(0).max_new_tokens, 5);
}

TEST(Evaluator, ProgressCountsEveryQuestionAndMayEndIt) {
  const Quiz quiz;
  FakeLanguageModel model = answering({}, /*context_length=*/13);
  const Evaluator evaluator(model, kLayout, settings());
  std::vector<size_t> seen;
  evaluator.run(quiz.benchmark, [&seen](size_t num_done) { seen.push_back(num_done); });
  EXPECT_EQ(seen, (std::vector<size_t>{1, 2, 3, 4}));
  const auto stop_at_three = [](size_t num_done) {
    if (num_done == 3) {
      throw Interrupted("stop");
    }
  };
  EXPECT_THROW(evaluator.run(quiz.benchmark, stop_at_three), Interrupted);
}

constexpr const char* kPick = R"(
name: pick
verified: false
file: pick.jsonl
columns: {q: "{q}", label: "{a}"}
answer: label
subscores: {level: "{l}"}
choices: ["{x}", "{y}"]
likelihood: {rounds: [{human: "{q}"}]}
metric: accuracy
shots:
  0: {request: likelihood}
)";

constexpr const char* kPickRows =
    R"({"q": "one", "a": "A", "l": "easy", "x": "yes", "y": "no way"}
{"q": "two", "a": "B", "l": "hard", "x": "yes", "y": "no way"}
)";

TaskOutcome pick_outcome(FakeLanguageModel& model) {
  const TempFolder folder;
  folder.write("pick.jsonl", kPickRows);
  const TaskSpec spec = read_task(ConfigNode::parse(kPick, "pick.yaml"));
  const std::vector<Benchmark> benchmarks =
      load_benchmarks({{.spec = spec, .shot = spec.shots.at(0)}}, folder.path(), {});
  EXPECT_EQ(num_answers(benchmarks.at(0)), 2);
  return Evaluator(model, kLayout, settings()).run(benchmarks.at(0), ignore);
}

TEST(Evaluator, TheLikeliestChoiceIsTheAnswer) {
  FakeLanguageModel model = answering({});
  // In all " yes" is likelier, but per character " no way" (6 to 3) is.
  model.logprob = [](const std::string& /*prompt*/, const std::string& completion) {
    return completion == " yes" ? -3.0 : -4.0;
  };
  const TaskOutcome outcome = pick_outcome(model);
  ASSERT_EQ(model.seen_scores.size(), 4);
  EXPECT_TRUE(model.seen.empty());
  EXPECT_EQ(model.seen_scores[0].prompt_ids.size(), std::string("Q: one\nA:").size());
  EXPECT_EQ(model.seen_scores[1].completion_ids.size(), std::string(" no way").size());
  const ResultEntry& entry = outcome.entry;
  EXPECT_DOUBLE_EQ(entry.value.score, 50);
  EXPECT_DOUBLE_EQ(entry.likelihood->accuracy.score, 50);
  EXPECT_DOUBLE_EQ(entry.likelihood->accuracy_norm.score, 50);
  EXPECT_FALSE(entry.is_verified);
  EXPECT_EQ(entry.subscores,
            (std::vector<std::pair<std::string, double>>{{"level/easy", 100}, {"level/hard", 0}}));
  EXPECT_EQ(outcome.samples[1].extracted, "A");
  EXPECT_EQ(outcome.samples[1].score, 0);
  EXPECT_EQ(outcome.samples[1].choice_logprobs, (std::vector<double>{-3, -4}));
}

TEST(Evaluator, ChoicesThatDoNotFitAreWrong) {
  FakeLanguageModel model = answering({}, /*context_length=*/15);
  const TaskOutcome outcome = pick_outcome(model);  // "Q: one\nA: no way" has 16
  EXPECT_EQ(outcome.entry.num_over_long, 2);
  EXPECT_EQ(outcome.entry.num_unparsed, 2);
  EXPECT_DOUBLE_EQ(outcome.entry.value.score, 0);
}

TEST(Evaluator, CountsPromptsUnlikeThoseOfTraining) {
  const Quiz quiz;
  FakeLanguageModel model = answering({});
  EXPECT_EQ(
      Evaluator(model, kLayout, settings()).run(quiz.benchmark, ignore).entry.num_unlike_training,
      4);
  EXPECT_EQ(Evaluator(model, kLayout, settings(PromptEnd::kTrimmed))
                .run(quiz.benchmark, ignore)
                .entry.num_unlike_training,
            0);
}

TEST(LoadBenchmarks, ATaskWithoutItsFileSaysWhich) {
  const TempFolder folder;
  const TaskSpec spec = read_task(ConfigNode::parse(kQuiz, "quiz.yaml"));
  const std::vector<Benchmark> benchmarks =
      load_benchmarks({{.spec = spec, .shot = spec.shots.at(0)}}, folder.path(), {});
  EXPECT_FALSE(benchmarks.at(0).data);
  EXPECT_EQ(benchmarks.at(0).missing_file, "quiz.jsonl");
}

TEST(GivenResponses, ScoresTheIdsThatAreThere) {
  const Quiz quiz;
  const std::filesystem::path path =
      quiz.folder().write("given.jsonl",
                          "{\"id\": \"y/0\", \"response\": \"B\", \"model\": 1}\n"
                          "{\"id\": \"x/1\", \"response\": \"A\"}\n");
  const TaskOutcome outcome = score_given_responses(quiz.benchmark, path);
  EXPECT_EQ(outcome.entry.n, 2);
  EXPECT_EQ(outcome.entry.n_total, 4);
  EXPECT_DOUBLE_EQ(outcome.entry.value.score, 50);
  EXPECT_EQ(outcome.samples.at(0).id, "x/1");
  EXPECT_EQ(outcome.samples.at(1).score, 1);
  EXPECT_FALSE(outcome.samples.at(0).prompt);
}

// Predictions as OpenCompass writes them, one file a subject.
TEST(GivenResponses, TakesPredictionsOfOpenCompass) {
  const Quiz quiz;
  const std::filesystem::path one = quiz.folder().write(
      "predictions/quiz_x.json", R"({"0": {"origin_prompt": "?", "prediction": "A"},
                                     "2": {"prediction": "B", "gold": "A"}})");
  EXPECT_DOUBLE_EQ(score_given_responses(quiz.benchmark, one).entry.value.score, 50);
  quiz.folder().write("predictions/quiz_y_0.json", R"({"0": {"prediction": "B"}})");
  const TaskOutcome outcome = score_given_responses(quiz.benchmark, one.parent_path());
  EXPECT_EQ(outcome.entry.n, 3);
  EXPECT_EQ(outcome.samples.back().id, "y/0");
  EXPECT_EQ(outcome.samples.back().score, 1);
}

// A large dataset's predictions come in parts that each count from 0.
TEST(GivenResponses, PartsContinueEachOther) {
  const Quiz quiz;
  quiz.folder().write("parts/quiz_x_0.json",
                      R"({"0": {"prediction": "A"}, "1": {"prediction": "B"}})");
  quiz.folder().write("parts/quiz_x_1.json", R"({"0": {"prediction": "A"}})");
  const TaskOutcome outcome = score_given_responses(quiz.benchmark, quiz.folder().path() / "parts");
  EXPECT_EQ(outcome.entry.n, 3);
  EXPECT_DOUBLE_EQ(outcome.entry.value.score, 100);
}

// Logs as lm-evaluation-harness writes them: documents once for each filter.
TEST(GivenResponses, TakesLogsOfSamples) {
  const Quiz quiz;
  const std::filesystem::path path =
      quiz.folder().write("samples_quiz_x_2024.jsonl",
                          R"({"doc_id": 0, "filter": "strict", "resps": [["A"]], "target": "A"}
{"doc_id": 1, "filter": "strict", "resps": [["none"]]}
{"doc_id": 0, "filter": "flexible", "resps": [["B"]]}
)");
  const TaskOutcome outcome = score_given_responses(quiz.benchmark, path);
  EXPECT_EQ(outcome.entry.n, 2);
  EXPECT_DOUBLE_EQ(outcome.entry.value.score, 50);
}

TEST(GivenResponses, TakesLogprobsOfChoices) {
  const TempFolder folder;
  folder.write("pick.jsonl", kPickRows);
  const TaskSpec spec = read_task(ConfigNode::parse(kPick, "pick.yaml"));
  const Benchmark pick =
      load_benchmarks({{.spec = spec, .shot = spec.shots.at(0)}}, folder.path(), {}).at(0);
  const std::filesystem::path path =
      folder.write("samples_pick.jsonl",
                   R"({"doc_id": 1, "resps": [[["-3.0", "False"]], [["-4.0", "False"]]]}
{"doc_id": 0, "resps": [[[-1, true]], [[-4, false]]]}
)");
  const TaskOutcome outcome = score_given_responses(pick, path);
  EXPECT_DOUBLE_EQ(outcome.entry.likelihood->accuracy.score, 50);
  EXPECT_EQ(outcome.samples.at(0).extracted, "A");
  const std::filesystem::path texts =
      folder.write("texts.jsonl", R"({"id": "0", "response": "yes"})");
  EXPECT_THAT([&] { score_given_responses(pick, texts); },
              ThrowsMessage<Error>(HasSubstr("scored by log-probabilities")));
}

struct Broken {
  std::string bytes;
  std::string message;
};

TEST(GivenResponses, BrokenLinesSayWhereTheyStand) {
  const Quiz quiz;
  for (const Broken& c : std::vector<Broken>{
           {"{\"id\": \"x/0\"}", "given.jsonl:1"},
           {"{\"response\": \"B\"}", "given.jsonl:1"},
           {"{\"id\": \"x/9\", \"response\": \"B\"}",
            "given.jsonl:1: no question 'x/9' in quiz (ids are from 'x/0' to 'y/0')"},
           {"{\"id\": 4, \"response\": \"B\"}", "no question '4'"},
           {"{\"id\": \"x/0\", \"response\": 4}", "response"},
           {"{\"id\": \"x/0\", \"response\": \"\"}\n{\"id\": \"x/0\", \"response\": \"\"}",
            "given.jsonl:2: a second response to question 'x/0'"},
           {"{\"doc_id\": 0, \"resps\": []}", "its name must hold the subject"},
           {"", "holds no responses"}}) {
    const std::filesystem::path path = quiz.folder().write("given.jsonl", c.bytes);
    EXPECT_THAT([&] { score_given_responses(quiz.benchmark, path); },
                ThrowsMessage<Error>(HasSubstr(c.message)))
        << c.bytes;
  }
}

const ModelIdentity kModel{
    .name = "tiny", .weights_sha256 = "aa11", .adapter_sha256 = std::nullopt};

TEST(EvaluationFolder, WritesResultsSamplesAndTimes) {
  const Quiz quiz;
  FakeLanguageModel model = answering({{"four", "B"}});
  const TaskOutcome outcome = Evaluator(model, kLayout, settings()).run(quiz.benchmark, ignore);
  const std::filesystem::path path = quiz.folder().path() / "out";
  EvaluationFolder(path, kModel, "qa").add(outcome, 1.5);
  const std::string results = read_whole_file(path / "results.json");
  const std::string samples = read_whole_file(path / "samples" / "quiz_0shot.jsonl");
  EXPECT_EQ(std::count(samples.begin(), samples.end(), '\n'), 4);
  EXPECT_THAT(samples, HasSubstr(R"({"id": "y/0", "prompt": "Q: four?\nA: ", "response": "B")"));
  EXPECT_EQ(read_json(path / "timing.json")["quiz:0"]["seconds"], 1.5);
  // The same again, at another speed: equal bytes but for the times.
  EvaluationFolder(path, kModel, "qa").add(outcome, 2.5);
  EXPECT_EQ(read_whole_file(path / "results.json"), results);
  EXPECT_EQ(read_whole_file(path / "samples" / "quiz_0shot.jsonl"), samples);
  EXPECT_EQ(read_json(path / "timing.json")["quiz:0"]["seconds"], 2.5);
}

TEST(EvaluationFolder, NeverTouchesWhatIsNotItsOwn) {
  const Quiz quiz;
  const std::filesystem::path path = quiz.folder().write("out/results.json", "{\"mine\": 1}");
  EXPECT_THAT([&] { EvaluationFolder(path.parent_path(), kModel, "qa"); },
              ThrowsMessage<Error>(HasSubstr("results.json")));
  EXPECT_EQ(read_whole_file(path), "{\"mine\": 1}");
}

TEST(EvaluationFolder, IsCheckedBeforeAModelIsKnown) {
  const TempFolder folder;
  check_evaluation_folder(folder.path() / "new");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "new"));
  folder.write("broken/results.json", "{");
  EXPECT_THROW(check_evaluation_folder(folder.path() / "broken"), Error);
  folder.write("file", "x");
  EXPECT_THAT([&] { check_evaluation_folder(folder.path() / "file"); },
              ThrowsMessage<Error>(HasSubstr("file")));
}

}  // namespace
}  // namespace sft
