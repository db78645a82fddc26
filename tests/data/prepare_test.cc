#include "sft/data/prepare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_tokenizer.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/data/draw.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Datasets "a" (20 rows) and "b" (5 rows, 2 of them also in "a") with a template.
class PrepareTest : public testing::Test {
 protected:
  void SetUp() override {
    config_.layout =
        folder_.write("t.yaml", "name: t\nturn: \"{instruction}>{response}\"\n").string();
    a_ = folder_.write("a.jsonl", rows(0, 20)).string();
    b_ = folder_.write("b.jsonl", rows(18, 23)).string();
    config_.datasets = {a_};
    options_.home = folder_.path() / "home";
  }

  // Row i has a response of i + 1 letters.
  static std::string rows(int begin, int end) {
    std::string text;
    for (int i = begin; i < end; ++i) {
      Json row = Json::object();
      row["prompt"] = "q" + std::to_string(i);
      row["completion"] = std::string(static_cast<size_t>(i) + 1, 'x');
      text += row.dump() + "\n";
    }
    return text;
  }

  PreparedData run() { return run(std::make_shared<FakeTokenizer>(), "fake"); }
  PreparedData run(std::shared_ptr<const Tokenizer> own, const std::string& hash) {
    return prepare(config_, source(std::move(own), hash), options_);
  }
  static TokenizerSource source(std::shared_ptr<const Tokenizer> tokenizer,
                                const std::string& hash) {
    return {.name = hash, .sha256 = hash, .load = [tokenizer] { return tokenizer; }};
  }
  std::string json(const PreparedData& data) { return data_json(config_, data.summary).dump(); }
  std::string error() {
    try {
      run();
    } catch (const Error& error) {
      return error.what();
    }
    return "was taken";
  }

  TempFolder folder_;
  DataConfig config_;
  PrepareOptions options_;
  std::string a_;
  std::string b_;
};

std::vector<std::string> ids_of(const std::vector<EncodedSample>& samples) {
  std::vector<std::string> ids;
  for (const EncodedSample& sample : samples) {
    ids.push_back(sample.id);
  }
  return ids;
}

TEST_F(PrepareTest, EncodesAllInTheOrderOfTheDraw) {
  const PreparedData data = run();
  ASSERT_EQ(data.training.size(), 20U);
  EXPECT_EQ(data.summary.ids[0], data.training_ids());
  EXPECT_EQ(data.summary.set.datasets[0].rows, 20);
  EXPECT_EQ(data.summary.set.datasets[0].kept, 20);
  EXPECT_TRUE(std::ranges::is_sorted(draw_order(42, "a", data.summary.ids[0])));
}

TEST_F(PrepareTest, ASmallDrawLiesInsideALargeOne) {
  config_.samples = 12;
  const std::vector<std::string> large = run().training_ids();
  config_.samples = 5;
  const std::vector<std::string> small = run().training_ids();
  EXPECT_EQ(small, std::vector<std::string>(large.begin(), large.begin() + 5));
  config_.seed = 43;
  EXPECT_NE(run().training_ids(), small);
}

TEST_F(PrepareTest, WithoutShuffleTheFirstRowsAreTaken) {
  config_.shuffle = false;
  config_.samples = 2;
  EXPECT_THAT(run().training_ids(),
              ElementsAre(content_id({{"q0", "x"}}), content_id({{"q1", "xx"}})));
}

TEST_F(PrepareTest, LongSamplesAreDroppedBeforeTheDraw) {
  // BOS, two bytes of the prompt, '>', the response, EOS: row 9 is q9>xxxxxxxxxx, 15 tokens.
  config_.max_length = 15;
  config_.samples = 10;
  const PreparedData data = run();
  EXPECT_EQ(data.summary.set.datasets[0].dropped.of(DropReason::kTooLong), 10);
  EXPECT_EQ(count_tokens(data.training).max_tokens, 15);
  config_.samples = 11;
  EXPECT_THAT(error(), HasSubstr("dataset 'a': data.samples is 11, but there are 10 of 20 read: 10 "
                                 "dropped (10 too_long)"));
}

TEST_F(PrepareTest, AtMostTakesWhatFits) {
  config_.max_length = 15;
  config_.samples_at_most = true;
  config_.samples = 11;
  const std::vector<std::string> ids = run().training_ids();
  EXPECT_EQ(ids.size(), 10U);
  config_.samples = 4;
  EXPECT_EQ(run().training_ids(), std::vector<std::string>(ids.begin(), ids.begin() + 4));
}

TEST_F(PrepareTest, EveryTokenizerMustFit) {
  // Its longest piece makes every response short; only the other tokenizer finds some too long.
  const auto short_one =
      std::make_shared<FakeTokenizer>(FakeTokenizer::Options{.pieces = {"xxxxxxxx"}});
  config_.max_length = 15;
  EXPECT_EQ(run(short_one, "short").training.size(), 20U);
  config_.fits_tokenizers = {"other"};
  std::vector<std::string> asked;
  options_.find_tokenizer = [&](const std::string& name) {
    asked.push_back(name);
    return source(std::make_shared<FakeTokenizer>(), "other");
  };
  EXPECT_EQ(run(short_one, "short").training.size(), 10U);
  EXPECT_THAT(asked, ElementsAre("other"));
}

TEST_F(PrepareTest, ThreadsChangeNothing) {
  config_.datasets = {a_, b_};
  config_.validation.fraction = 0.2;
  const PreparedData one = run();
  const std::string lines = read_whole_file(one.summary.set.training());
  for (const int threads : {2, 3, 16}) {
    options_.threads = threads;
    options_.home = folder_.path() / std::to_string(threads);
    const PreparedData data = run();
    EXPECT_EQ(json(data), json(one));
    EXPECT_EQ(read_whole_file(data.summary.set.training()), lines);
    EXPECT_EQ(read_whole_file(data.summary.set.folder / "set.json"),
              read_whole_file(one.summary.set.folder / "set.json"));
  }
}

TEST_F(PrepareTest, AFractionIsHeldOut) {
  config_.validation.fraction = 0.25;
  const PreparedData data = run();
  EXPECT_EQ(data.validation.size(), 5U);
  EXPECT_EQ(data.training.size(), 15U);
  std::vector<std::string> all = ids_of(data.validation);
  for (const std::string& id : data.training_ids()) {
    EXPECT_THAT(all, testing::Not(testing::Contains(id)));
    all.push_back(id);
  }
  EXPECT_THAT(all, testing::UnorderedElementsAreArray(data.summary.ids[0]));
}

TEST_F(PrepareTest, ValidationDatasetsLeaveOutWhatIsTrainedOn) {
  config_.validation.datasets = {b_};
  const PreparedData data = run();
  EXPECT_EQ(data.training.size(), 20U);
  EXPECT_EQ(data.validation.size(), 3U);
  ASSERT_EQ(data.summary.set.validation_datasets.size(), 1U);
  EXPECT_EQ(data.summary.set.validation_datasets[0].kept, 5);
  EXPECT_EQ(data.summary.validation_ids[0], ids_of(data.validation));
  config_.validation.datasets = {a_};
  EXPECT_THAT(error(), HasSubstr("data.validation: all 20 samples of 'a' are trained on"));
}

TEST_F(PrepareTest, NothingLeftSaysWhy) {
  config_.max_length = 3;
  EXPECT_THAT(error(), HasSubstr("dataset 'a': no samples are left of 20 read: 20 dropped (20 "
                                 "too_long); data.max_length is 3"));
}

TEST_F(PrepareTest, HoldingOutEverythingIsAnError) {
  config_.samples = 1;
  config_.validation.fraction = 0.1;
  EXPECT_THAT(error(), HasSubstr("data.validation.fraction 0.1 of 1 sample leaves none to train"));
}

TEST_F(PrepareTest, TwoDatasetsOfOneNameAreAFault) {
  config_.datasets = {a_, folder_.write("other/a.jsonl", rows(0, 2)).string()};
  EXPECT_THROW(run(), UsageError);
  EXPECT_THAT(error(), HasSubstr("two datasets are called 'a'"));
}

TEST_F(PrepareTest, CountsTokens) {
  config_.samples = 3;
  config_.shuffle = false;
  const TokenCounts counts = count_tokens(run().training);
  EXPECT_EQ(counts.samples, 3);
  // BOS q 0 > x EOS; the response is x and EOS; each row has one x more.
  EXPECT_EQ(counts.tokens, 6 + 7 + 8);
  EXPECT_EQ(counts.targets, 2 + 3 + 4);
  EXPECT_EQ(counts.max_tokens, 8);
  EXPECT_EQ(counts.data_size().mean_tokens, 7);
  EXPECT_EQ(counts.data_size().mean_response_tokens, 3);
}

TEST_F(PrepareTest, DataJsonHoldsCountsIdsAndHashes) {
  config_.max_length = 15;
  config_.samples = 2;
  const PreparedData data = run();
  const Json json = data_json(config_, data.summary);
  EXPECT_EQ(json["template"]["name"], "t");
  EXPECT_EQ(json["seed"], 42);
  const Json& dataset = json["datasets"][0];
  EXPECT_EQ(dataset["name"], "a");
  EXPECT_EQ(dataset["read"], 20);
  EXPECT_EQ(dataset["dropped"]["too_long"], 10);
  EXPECT_EQ(dataset["dropped"]["empty_response"], 0);
  EXPECT_EQ(dataset["kept"], 10);
  EXPECT_EQ(dataset["ids"].get<std::vector<std::string>>(), data.training_ids());
  EXPECT_EQ(dataset["files"][0]["name"], "a.jsonl");
  EXPECT_EQ(dataset["files"][0]["sha256"], data.summary.set.datasets[0].files[0].sha256);
  EXPECT_EQ(json["training"]["samples"], 2);
  EXPECT_FALSE(json.contains("validation"));
  // Nothing of this machine.
  EXPECT_THAT(json.dump(), testing::Not(HasSubstr(folder_.path().string())));
}

TEST_F(PrepareTest, DataJsonListsWhatIsHeldOut) {
  config_.validation.fraction = 0.1;
  const PreparedData data = run();
  const Json json = data_json(config_, data.summary);
  EXPECT_EQ(json["validation"]["ids"].get<std::vector<std::string>>(), ids_of(data.validation));
  EXPECT_EQ(json["validation"]["samples"], 2);
  EXPECT_EQ(json["training"]["samples"], 18);
}

TEST_F(PrepareTest, CountsOfTheSetAreThoseOfTheEncodedSamples) {
  config_.validation.fraction = 0.2;
  for (const LossTarget loss_on : {LossTarget::kResponse, LossTarget::kAll}) {
    options_.loss_on = loss_on;
    const PreparedData data = run();
    for (const auto& [of_set, samples] : {std::pair{data.summary.training, data.training},
                                          std::pair{data.summary.validation, data.validation}}) {
      const TokenCounts counts = count_tokens(samples);
      EXPECT_EQ(of_set.samples, counts.samples);
      EXPECT_EQ(of_set.tokens, counts.tokens);
      EXPECT_EQ(of_set.targets, counts.targets);
      EXPECT_EQ(of_set.max_tokens, counts.max_tokens);
      EXPECT_EQ(of_set.by_length, counts.by_length);
    }
  }
}

TEST_F(PrepareTest, ASetIsMadeOnceForAllModels) {
  const auto long_one = std::make_shared<FakeTokenizer>();
  const auto short_one =
      std::make_shared<FakeTokenizer>(FakeTokenizer::Options{.pieces = {"xxxxxxxx"}});
  options_.find_tokenizer = [&](const std::string& name) {
    return source(name == "long" ? long_one : short_one, name);
  };
  config_.max_length = 15;
  config_.fits_tokenizers = {"long", "short"};
  const PreparedData first = run(long_one, "long");
  EXPECT_TRUE(first.summary.set.is_new);
  const PreparedData again = run(long_one, "long");
  EXPECT_FALSE(again.summary.set.is_new);
  EXPECT_EQ(json(again), json(first));
  config_.fits_tokenizers = {"short", "long"};
  const PreparedData other = run(short_one, "short");
  EXPECT_FALSE(other.summary.set.is_new);
  EXPECT_EQ(other.summary.set.folder, first.summary.set.folder);
  EXPECT_EQ(other.training_ids(), first.training_ids());
  EXPECT_LT(other.summary.training.tokens, first.summary.training.tokens);
  // A set is not measured again, so no tokenizer but the run's own is loaded.
  options_.find_tokenizer = [&](const std::string& name) -> TokenizerSource {
    return {.name = name, .sha256 = name, .load = []() -> std::shared_ptr<const Tokenizer> {
              throw Error("was loaded");
            }};
  };
  EXPECT_FALSE(run(short_one, "short").summary.set.is_new);
}

TEST_F(PrepareTest, WhatDecidesASetNamesIt) {
  std::vector<std::string> names = {run().summary.set.sha256};
  const auto expect_another = [&](const char* what) {
    const std::string name = run().summary.set.sha256;
    EXPECT_THAT(names, testing::Not(testing::Contains(name))) << what;
    names.push_back(name);
  };
  config_.seed = 43;
  expect_another("seed");
  config_.samples = 5;
  expect_another("samples");
  config_.max_length = 1000;
  expect_another("max_length");
  config_.shuffle = false;
  expect_another("shuffle");
  config_.validation.fraction = 0.2;
  expect_another("validation");
  folder_.write("t.yaml", "name: t\nturn: \"{instruction}>>{response}\"\n");
  expect_another("template");
  folder_.write("a.jsonl", rows(0, 21));
  expect_another("a file");
}

TEST_F(PrepareTest, ADamagedSetIsMadeAgain) {
  const PreparedData first = run();
  const std::string lines = read_whole_file(first.summary.set.training());
  std::filesystem::resize_file(first.summary.set.training(), lines.size() / 2);
  EXPECT_TRUE(run().summary.set.is_new);
  EXPECT_EQ(read_whole_file(first.summary.set.training()), lines);
  std::filesystem::resize_file(first.summary.set.folder / "set.json", 20);
  EXPECT_TRUE(run().summary.set.is_new);
  EXPECT_FALSE(run().summary.set.is_new);
}

TEST_F(PrepareTest, NothingIsLeftOfASetThatFailed) {
  folder_.write("a.jsonl", rows(0, 20) + "{\"prompt\": \"q\"}\n");
  EXPECT_THAT(error(), HasSubstr("a.jsonl:21: no column 'completion'"));
  EXPECT_FALSE(std::filesystem::exists(options_.home / "data"));
}

TEST_F(PrepareTest, AMissingTokenizerIsNamedWithWhatItMeans) {
  config_.fits_tokenizers = {"no/such"};
  EXPECT_THAT(
      error(),
      testing::AllOf(HasSubstr("data.fits_tokenizers: 'no/such': no/such: no such"),
                     HasSubstr("only its tokenizer files are needed"), HasSubstr("another set")));
}

TEST_F(PrepareTest, SaysWherePromptsDiffer) {
  EXPECT_EQ(run().parity.prompts, 20);
  EXPECT_THAT(run().parity.lines(), ElementsAre());
  folder_.write("t.yaml", "name: t\nturn: \"{instruction}: {response}\"\n");
  const auto spaced = std::make_shared<FakeTokenizer>(FakeTokenizer::Options{.pieces = {" x"}});
  const ParityReport parity = run(spaced, "spaced").parity;
  EXPECT_EQ(parity.num_trimmed, 0);
  EXPECT_EQ(parity.num_exact, 20);
  EXPECT_THAT(parity.lines(),
              ElementsAre(testing::MatchesRegex(
                  "sft eval sends 20 of 20 prompts as other tokens than trained on; a: a.jsonl:.*: "
                  "trained on .*':', sent .*' '; --prompt-end trimmed sends those trained on")));
  // A piece that straddles the border of the response: no prompt alone has it.
  const auto straddling =
      std::make_shared<FakeTokenizer>(FakeTokenizer::Options{.pieces = {": x"}});
  EXPECT_EQ(run(straddling, "straddling").parity.num_trimmed, 20);
}

}  // namespace
}  // namespace sft
