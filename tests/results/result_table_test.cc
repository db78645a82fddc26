#include "sft/results/result_table.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/results/sample_record.h"

namespace sft {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const ModelIdentity kModel{
    .name = "tiny", .weights_sha256 = "aa11", .adapter_sha256 = std::nullopt};

ResultEntry scored(const std::string& task, int64_t shots, double score, int64_t limit = 0) {
  ResultEntry entry;
  entry.task = task;
  entry.shots = shots;
  entry.value = {.metric = "accuracy", .score = score, .standard_error = 0.5};
  entry.n = 100;
  entry.n_total = 1319;
  entry.strict = MetricValue{.metric = "accuracy", .score = 5.1, .standard_error = 0.6};
  entry.num_unparsed = 12;
  entry.num_cut_off = 3;
  entry.version = 1;
  entry.settings = {{"prompt_end", "exact"}, {"limit", limit}};
  return entry;
}

ResultEntry missing(const std::string& task, int64_t shots) {
  ResultEntry entry;
  entry.task = task;
  entry.shots = shots;
  entry.missing_file = task + "/test.jsonl";
  return entry;
}

TEST(ResultTable, WritesKeysInTheOrderOfTheContract) {
  ResultTable table(kModel, "question_answer");
  table.put(scored("gsm8k", 4, 4.32));
  EXPECT_EQ(dump_json(table.to_json(), JsonLayout::kCompact),
            R"({"model": {"name": "tiny", "weights_sha256": "aa11", "adapter_sha256": null}, )"
            R"("template": "question_answer", "results": [{"task": "gsm8k", "shots": 4, )"
            R"("metric": "accuracy", "score": 4.32, "stderr": 0.5, "n": 100, "n_total": 1319, )"
            R"("strict": {"metric": "accuracy", "score": 5.1, "stderr": 0.6}, "empty": 0, )"
            R"("unparsed": 12, "cut_off": 3, "over_long": 0, "unlike_training": 0, )"
            R"("subscores": {}, "version": 1, )"
            R"("settings": {"prompt_end": "exact", "limit": 0}}]})");
}

TEST(ResultTable, SaysPartialAndMissing) {
  ResultTable table(kModel, "none");
  ResultEntry cut = scored("hellaswag", 0, 25);
  cut.is_partial = true;
  table.put(cut);
  table.put(missing("nq", 1));
  const Json results = table.to_json()["results"];
  EXPECT_EQ(results[0]["partial"], true);
  EXPECT_EQ(results[1].dump(), R"({"task":"nq","shots":1,"missing":"nq/test.jsonl"})");
}

TEST(ResultTable, ReplacesTheEntryOfEqualTaskShotsAndSettingsInItsPlace) {
  ResultTable table(kModel, "none");
  table.put(scored("gsm8k", 0, 1));
  table.put(scored("gsm8k", 4, 2));
  table.put(scored("gsm8k", 0, 3, /*limit=*/50));
  table.put(scored("gsm8k", 0, 9));
  ASSERT_EQ(table.entries().size(), 3);
  EXPECT_EQ(table.entries()[0].value.score, 9);
  EXPECT_EQ(table.entries()[2].value.score, 3);
}

TEST(ResultTable, AScoreTakesThePlaceOfAMissingFile) {
  ResultTable table(kModel, "none");
  table.put(missing("gsm8k", 0));
  table.put(missing("boolq", 0));
  table.put(missing("gsm8k", 0));
  ASSERT_EQ(table.entries().size(), 2);
  table.put(scored("gsm8k", 0, 1));
  ASSERT_EQ(table.entries().size(), 2);
  EXPECT_EQ(table.entries()[0].value.score, 1);
  table.put(missing("gsm8k", 0));
  table.put(scored("gsm8k", 0, 2));
  ASSERT_EQ(table.entries().size(), 2);
  EXPECT_EQ(table.entries()[0].value.score, 2);
}

TEST(ResultTable, ReadsBackWhatItWrote) {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "eval" / "results.json";
  ResultTable table(kModel, "question_answer");
  ResultEntry entry = scored("mmlu", 5, 1.0 / 3);
  entry.is_partial = true;
  entry.subscores = {{"weighted", 30.123456789012344}, {"anatomy", 25.0}};
  entry.likelihood = {
      .accuracy = {.metric = "accuracy", .score = 30, .standard_error = 2},
      .accuracy_norm = {.metric = "accuracy_norm", .score = 31, .standard_error = 2.5}};
  entry.exemplars = "mmlu/dev.jsonl rows 0, 1";
  entry.is_verified = false;
  entry.num_unlike_training = 7;
  entry.outcomes = {{"pass", 3}, {"failed", 97}};
  table.put(entry);
  table.put(missing("nq", 0));
  table.save(path);
  const std::string bytes = read_whole_file(path);
  ResultTable::open(path, kModel, "question_answer").save(path);
  EXPECT_EQ(read_whole_file(path), bytes);
  EXPECT_THAT(bytes, HasSubstr("30.123456789012344"));
}

TEST(ResultTable, KeepsEntriesOfEarlierRuns) {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "results.json";
  ResultTable first(kModel, "none");
  first.put(scored("gsm8k", 0, 1));
  first.save(path);
  ResultTable second = ResultTable::open(path, kModel, "none");
  second.put(scored("boolq", 0, 62));
  EXPECT_EQ(second.entries().size(), 2);
}

struct Foreign {
  std::string bytes;
  std::string message;
};

TEST(ResultTable, RefusesFilesThatAreNoTablesOfThisModel) {
  const std::string head = R"({"model": {"name": "x", "weights_sha256": )";
  const std::string tail = R"(, "adapter_sha256": null}, "template": "none", "results": )";
  const std::vector<Foreign> cases = {
      {"{\"model\": ", "results.json"},
      {"[1, 2]", "must be an object"},
      {"{\"accuracy\": 12}", "unknown key 'accuracy'"},
      {head + "\"bb22\"" + tail + "[]}", "holds results of weights bb22, this run is of aa11"},
      {head + "null" + tail + "[]}", "holds results of weights none, this run is of aa11"},
      {head + "\"aa11\"" + tail + "{}}", "'results' must be a list"},
      {head + "\"aa11\"" + tail + "[{\"task\": \"gsm8k\"}]}", "results[0]"},
      {head + "\"aa11\"" + tail + "[{\"task\": 7, \"shots\": 0}]}", "task"},
  };
  for (const Foreign& c : cases) {
    const TempFolder folder;
    const std::filesystem::path path = folder.write("results.json", c.bytes);
    EXPECT_THAT([&] { ResultTable::open(path, kModel, "none"); },
                ThrowsMessage<Error>(HasSubstr(c.message)))
        << c.bytes;
    EXPECT_EQ(read_whole_file(path), c.bytes);
  }
}

TEST(ResultTable, RefusesAnotherTemplate) {
  const TempFolder folder;
  const std::filesystem::path path = folder.path() / "results.json";
  ResultTable(kModel, "question_answer").save(path);
  EXPECT_THAT([&] { ResultTable::open(path, kModel, "none"); },
              ThrowsMessage<Error>(HasSubstr("template question_answer, this run is of none")));
}

TEST(SampleRecord, WritesKeysInTheOrderOfTheContract) {
  const SampleRecord given{.id = "anatomy/3",
                           .prompt = std::nullopt,
                           .response = " A\n",
                           .extracted = "A",
                           .reference = "B",
                           .references = {},
                           .score = 0,
                           .prompt_tokens = std::nullopt,
                           .response_tokens = std::nullopt,
                           .finish = std::nullopt,
                           .outcome = {},
                           .strict = SampleRecord::Strict{.extracted = "A", .score = 0},
                           .choice_logprobs = {}};
  EXPECT_EQ(to_json(given).dump(),
            R"({"id":"anatomy/3","prompt":null,"response":" A\n","extracted":"A","reference":"B",)"
            R"("score":0.0,"prompt_tokens":null,"response_tokens":null,"finish":null,)"
            R"("strict_extracted":"A","strict_score":0.0})");
}

TEST(SampleRecord, VerdictsAndEarlierTurnsComeBack) {
  SampleRecord sample;
  sample.id = "3";
  sample.response = "second";
  sample.earlier_responses = {"first"};
  sample.verdicts = {{.name = "turn_1", .text = "[[7]]", .value = 7},
                     {.name = "turn_2", .text = "Hm.", .value = std::nullopt}};
  const Json json = to_json(sample);
  EXPECT_THAT(json.dump(),
              testing::EndsWith(R"("earlier_responses":["first"],"verdicts":[{"name":"turn_1",)"
                                R"("text":"[[7]]","value":7.0},{"name":"turn_2","text":"Hm.",)"
                                R"("value":null}]})"));
  EXPECT_EQ(to_json(sample_from_json(json, "here")), json);
}

TEST(ResultTable, NotesAreKept) {
  ResultTable table(kModel, "qa");
  ResultEntry entry = scored("gsm8k", 4, 4.32);
  entry.notes = {"no length-controlled win rate"};
  table.put(entry);
  const Json json = table.to_json();
  EXPECT_EQ(json["results"][0]["notes"][0], "no length-controlled win rate");
  EXPECT_EQ(ResultTable::from_json(json, "here").to_json(), json);
}

TEST(SampleRecord, KeepsHowAProgramCameOut) {
  SampleRecord sample;
  sample.id = "7";
  sample.outcome = "failed";
  sample.strict = {.extracted = "x", .score = 1, .outcome = "pass"};
  const Json json = to_json(sample);
  EXPECT_EQ(json["outcome"], "failed");
  EXPECT_EQ(json["strict_outcome"], "pass");
  EXPECT_EQ(to_json(sample_from_json(json, "here")), json);
}

}  // namespace
}  // namespace sft
