#include "sft/estimate/train_config.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kSmallest = "model: m\ndata: {datasets: [a.jsonl]}\noutput: out\n";

// Every key of the documentation with a value that is not the default.
constexpr const char* kEveryKey = R"(model: ../models/tiny
method: full
data:
  datasets: [./a.jsonl, "b c.json"]
  samples: 1000
  seed: 7
  shuffle: false
  template: ./t.yaml
  validation: {fraction: 0.02}
  max_length: 512
  fits_tokenizers: [x/y, "12"]
train:
  epochs: 3
  max_steps: 5
  batch_size: 4
  learning_rate: 3.0e-5
  schedule: linear
  warmup_ratio: 0.1
  weight_decay: 0.01
  adam_betas: [0.85, 0.95]
  adam_eps: 1.0e-6
  max_grad_norm: 0
  precision: float32
  activation_checkpointing: true
  loss_on: all
  last_batch: drop
  seed: 9
checkpoints:
  save: {steps: 20}
  keep: 2
  store: full
  dtype: float32
  state_minutes: 2.5
  keep_state: true
output: "runs/a: b"
)";

TrainConfig read(const std::string& text) {
  const ConfigNode root = ConfigNode::parse(text, "t.yaml");
  TrainConfig config = read_train_config(root);
  root.check();
  return config;
}

std::vector<std::string> faults_of(const std::string& text) {
  try {
    read(text);
  } catch (const UsageError& error) {
    return error.faults();
  }
  return {};
}

TEST(TrainConfig, DefaultsAreThoseOfTheDocumentation) {
  EXPECT_EQ(to_yaml(read(kSmallest)), R"(model: m
method: full
data:
  datasets: [a.jsonl]
  samples: all
  seed: 42
  shuffle: true
  template: question_answer
  validation:
  max_length: 2048
  fits_tokenizers: []
train:
  epochs: 10
  max_steps: 0
  batch_size: 32
  learning_rate: 1.0e-05
  schedule: cosine
  warmup_ratio: 0.0
  weight_decay: 0.0
  adam_betas: [0.9, 0.999]
  adam_eps: 1.0e-08
  max_grad_norm: 1.0
  precision: bf16
  activation_checkpointing: auto
  loss_on: response
  last_batch: keep
  seed: 42
checkpoints:
  save: each_epoch
  keep: all
  store: full
  dtype: auto
  state_minutes: 10.0
  keep_state: false
output: out
)");
}

TEST(TrainConfig, ReadsEveryKey) {
  const TrainConfig config = read(kEveryKey);
  EXPECT_EQ(config.model, "../models/tiny");
  EXPECT_THAT(config.data.datasets, ElementsAre("./a.jsonl", "b c.json"));
  EXPECT_EQ(config.data.samples, 1000);
  EXPECT_EQ(config.data.seed, 7);
  EXPECT_FALSE(config.data.shuffle);
  EXPECT_EQ(config.data.layout, "./t.yaml");
  EXPECT_EQ(config.data.validation.fraction, 0.02);
  EXPECT_EQ(config.data.max_length, 512);
  EXPECT_THAT(config.data.fits_tokenizers, ElementsAre("x/y", "12"));
  EXPECT_EQ(config.train.epochs, 3);
  EXPECT_EQ(config.train.max_steps, 5);
  EXPECT_EQ(config.train.batch_size, 4);
  EXPECT_EQ(config.train.learning_rate, 3e-5);
  EXPECT_EQ(config.train.schedule, Schedule::kLinear);
  EXPECT_EQ(config.train.warmup_ratio, 0.1);
  EXPECT_EQ(config.train.weight_decay, 0.01);
  EXPECT_EQ(config.train.adam_betas, (std::pair{0.85, 0.95}));
  EXPECT_EQ(config.train.adam_eps, 1e-6);
  EXPECT_EQ(config.train.max_grad_norm, 0);
  EXPECT_EQ(config.train.precision, Precision::kFloat32);
  EXPECT_EQ(config.train.activation_checkpointing, Checkpointing::kOn);
  EXPECT_EQ(config.train.loss_on, LossTarget::kAll);
  EXPECT_EQ(config.train.last_batch, LastBatch::kDrop);
  EXPECT_EQ(config.train.seed, 9);
  EXPECT_EQ(config.checkpoints.save, CheckpointConfig::Save::kSteps);
  EXPECT_EQ(config.checkpoints.save_steps, 20);
  EXPECT_EQ(config.checkpoints.keep, CheckpointConfig::Keep::kNewest);
  EXPECT_EQ(config.checkpoints.keep_newest, 2);
  EXPECT_EQ(config.checkpoints.dtype, "float32");
  EXPECT_EQ(config.checkpoints.state_minutes, 2.5);
  EXPECT_TRUE(config.checkpoints.keep_state);
  EXPECT_EQ(config.output, "runs/a: b");
}

TEST(TrainConfig, WrittenYamlReadsBackEqual) {
  for (const char* const text : {kSmallest, kEveryKey}) {
    const std::string written = to_yaml(read(text));
    EXPECT_EQ(to_yaml(read(written)), written);
    EXPECT_THAT(faults_of(written), IsEmpty());
  }
}

TEST(TrainConfig, OddTextsSurviveTheRoundTrip) {
  for (const std::string text :
       {"~", "null", "true", "1e5", "a\nb\t\"\\'", "# no comment", "- x", "{a: b}",
        "caf\xC3\xA9 \xE6\x97\xA5", "@x", "  spaces  ", "\x01"}) {
    TrainConfig config = read(kSmallest);
    config.model = text;
    config.data.datasets = {"./" + text, "./[" + text};
    const TrainConfig again = read(to_yaml(config));
    EXPECT_EQ(again.model, text);
    EXPECT_EQ(again.data.datasets, config.data.datasets);
  }
}

TEST(TrainConfig, OddNumbersSurviveTheRoundTrip) {
  for (const double number : {1e-300, 0.1, 1.0 / 3, 5e-324, 123456789.0, 1e22}) {
    TrainConfig config = read(kSmallest);
    config.train.learning_rate = number;
    EXPECT_EQ(read(to_yaml(config)).train.learning_rate, number);
  }
}

TEST(TrainConfig, SamplesMayBeABound) {
  const TrainConfig config =
      read("model: m\ndata: {datasets: [lima], samples: {at_most: 1000}}\noutput: out\n");
  EXPECT_EQ(config.data.samples, 1000);
  EXPECT_TRUE(config.data.samples_at_most);
  EXPECT_EQ(read(to_yaml(config)).data.samples_at_most, true);
  EXPECT_THAT(faults_of("model: m\ndata: {datasets: [lima], samples: {most: 1}}\noutput: out\n"),
              ElementsAre("t.yaml:2:26: 'data.samples.at_most' is missing",
                          "t.yaml:2:36: unknown key 'data.samples.most'"));
}

TEST(TrainConfig, ReportsAllFaultsAtOnce) {
  EXPECT_THAT(
      faults_of("modle: m\n"
                "data:\n"
                "  datasets: [a.jsonl, a.jsonl]\n"
                "  samples: 0\n"
                "train: {epochs: 1.5, adam_betas: [0.9], warmup_ratio: 2}\n"
                "checkpoints: {keep: best, save: {step: 3}}\n"),
      ElementsAre("t.yaml:1:1: 'model' is missing", "t.yaml:1:1: 'output' is missing",
                  "t.yaml:1:1: unknown key 'modle'; did you mean 'model'?",
                  "t.yaml:3:3: dataset 'a.jsonl' is listed twice",
                  "t.yaml:4:3: 'data.samples' is '0', must be from 1 to 1e+09",
                  "t.yaml:5:9: 'train.epochs' is '1.5', must be a whole number",
                  "t.yaml:5:22: 'train.adam_betas' must be two numbers: [0.9, 0.999]",
                  "t.yaml:5:41: 'train.warmup_ratio' is '2', must be from 0 to 1",
                  "t.yaml:6:15: 'checkpoints.keep' is 'best', which needs 'data.validation' to "
                  "tell the best by",
                  "t.yaml:6:15: 'checkpoints.keep' is 'best', which needs 'checkpoints.save' "
                  "each_epoch: the validation loss is taken at the end of an epoch",
                  "t.yaml:6:27: 'checkpoints.save.steps' is missing",
                  "t.yaml:6:34: unknown key 'checkpoints.save.step'; did you mean 'steps'?"));
}

struct Refused {
  const char* name;
  const char* line;  // of a config that is right without it
  const char* message;
};

class TrainConfigRefuses : public testing::TestWithParam<Refused> {};

TEST_P(TrainConfigRefuses, ByName) {
  EXPECT_THAT(faults_of(std::string(kSmallest) + GetParam().line + "\n"),
              ElementsAre(HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, TrainConfigRefuses,
    testing::Values(
        Refused{"method", "method: ful", "unknown value of 'method' 'ful' (did you mean 'full'?"},
        Refused{"adapter_dtype", "method: lora\ncheckpoints: {dtype: bf16}",
                "'checkpoints.dtype' is bf16, adapters are written in float32"},
        Refused{"rank", "method: lora\nlora: {rank: 0}", "'lora.rank' is '0', must be from 1"},
        Refused{"dropout", "method: lora\nlora: {dropout: 1}", "'lora.dropout' is 1"},
        Refused{"targets", "method: lora\nlora: {targets: []}",
                "'lora.targets' must be all_linear or a list"},
        Refused{"delta", "checkpoints: {store: delta}",
                "store 'delta' is not supported by this build; use 'full'"},
        Refused{"keep", "checkpoints: {keep: some}", "'some', must be all, best, or a number"},
        Refused{"keep_none", "checkpoints: {keep: 0}", "'0', must be from 1"},
        Refused{"dtype", "checkpoints: {dtype: fp16}", "known: auto, float32, bf16"},
        Refused{"schedule", "train: {schedule: cosin}", "did you mean 'cosine'?"},
        Refused{"beta", "train: {adam_betas: [1, 0.9]}", "must be below 1"},
        Refused{"batch", "train: {batch_size: 99999999999}", "from 1 to 1e+09"},
        Refused{"lora_key", "lora: {ranks: 8}", "unknown key 'lora.ranks'; did you mean 'rank'?"}),
    [](const auto& info) { return info.param.name; });

TEST(TrainConfig, TakesTheUnusedLoraSection) {
  EXPECT_THAT(faults_of(std::string(kSmallest) +
                        "lora:\n  rank: 8\n  alpha: 16\n  dropout: 0.0\n  targets: all_linear\n"
                        "  init_from:\n"),
              IsEmpty());
}

TEST(TrainConfig, ReadsLora) {
  const TrainConfig config =
      read(std::string(kSmallest) +
           "method: lora\nlora: {rank: 4, alpha: 8, dropout: 0.1, targets: [v_proj, q_proj]}\n");
  EXPECT_EQ(config.method, Method::kLora);
  EXPECT_EQ(config.lora.rank, 4);
  EXPECT_EQ(config.lora.alpha, 8);
  EXPECT_EQ(config.lora.dropout, 0.1);
  EXPECT_THAT(config.lora.targets.names, ElementsAre("q_proj", "v_proj"));
  const std::string yaml = to_yaml(config);
  EXPECT_THAT(yaml, HasSubstr("method: lora\n"));
  EXPECT_THAT(yaml, HasSubstr("lora:\n  rank: 4\n  alpha: 8.0\n  dropout: 0.1\n"
                              "  targets: [q_proj, v_proj]\n  init_from:\n"));
  EXPECT_EQ(to_yaml(read(yaml)), yaml);
}

TEST(TrainConfig, LoraHasItsDefaults) {
  const std::string yaml = to_yaml(read(std::string(kSmallest) + "method: lora\n"));
  EXPECT_THAT(yaml, HasSubstr("lora:\n  rank: 8\n  alpha: 16.0\n  dropout: 0.0\n"
                              "  targets: all_linear\n  init_from:\n"));
}

// An adapter to start from: rank 4, alpha 6, two targets.
class InitFrom : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("a/adapter_config.json",
                  R"({"peft_type": "LORA", "r": 4, "lora_alpha": 6, "lora_dropout": 0.2,
                      "use_rslora": true, "target_modules": ["q_proj", "v_proj"]})");
  }
  std::string config(const std::string& lora) const {
    return std::string(kSmallest) +
           "method: lora\nlora: {init_from: " + (folder_.path() / "a").string() + lora + "}\n";
  }

  TempFolder folder_;
};

TEST_F(InitFrom, ItsRankAlphaAndTargetsHold) {
  const TrainConfig read_config = read(config(""));
  EXPECT_EQ(read_config.lora.rank, 4);
  EXPECT_EQ(read_config.lora.alpha, 6);
  EXPECT_TRUE(read_config.lora.is_rank_stabilized);
  EXPECT_THAT(read_config.lora.targets.names, ElementsAre("q_proj", "v_proj"));
  EXPECT_EQ(read_config.lora.dropout, 0);  // the run's own
  EXPECT_EQ(to_yaml(read(to_yaml(read_config))), to_yaml(read_config));
}

TEST_F(InitFrom, EqualKeysAreTaken) {
  EXPECT_THAT(faults_of(config(", rank: 4, alpha: 6.0, targets: [v_proj, q_proj]")), IsEmpty());
  EXPECT_TRUE(read(config(", targets: all_linear")).lora.targets.is_all_linear);
}

TEST_F(InitFrom, OtherKeysAreFaults) {
  EXPECT_THAT(faults_of(config(", rank: 8, alpha: 16, targets: [k_proj]")),
              ElementsAre(HasSubstr("'lora.rank' is 8, the adapter in lora.init_from has 4"),
                          HasSubstr("'lora.alpha' is 16.0, the adapter in lora.init_from has 6.0"),
                          HasSubstr("'lora.targets' is [k_proj], the adapter in lora.init_from has "
                                    "[q_proj, v_proj]")));
}

TEST_F(InitFrom, AMissingAdapterIsAnError) {
  EXPECT_THROW(read(std::string(kSmallest) + "method: lora\nlora: {init_from: none}\n"), Error);
}

TEST(TrainConfig, ValidationIsOneOfTwo) {
  EXPECT_THAT(faults_of("model: m\noutput: o\ndata: {datasets: [a.json], validation: {datasets: "
                        "[b.json], fraction: 0.1}}\n"),
              ElementsAre(HasSubstr("'data.validation' has both datasets and fraction")));
  EXPECT_THAT(faults_of("model: m\noutput: o\ndata: {datasets: [a.json], validation: {fraction: "
                        "1}}\n"),
              ElementsAre(HasSubstr("nothing would be left to train on")));
}

// Recipes are looked up from the working folder.
class DatasetNames : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* const name : {"alpaca", "lima", "ultrachat"}) {
      folder_.write("configs/datasets/" + std::string(name) + ".yaml",
                    "published_name: " + std::string(name) + "\n");
    }
    folder_.write("configs/datasets/mine.yaml", "name: mine\n");
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_.path());
  }
  void TearDown() override { std::filesystem::current_path(before_); }

  static std::string config(const std::string& datasets) {
    return "model: m\noutput: o\ndata: {datasets: " + datasets + "}\n";
  }

 private:
  TempFolder folder_;
  std::filesystem::path before_;
};

TEST_F(DatasetNames, AllIsEveryRecipeOfTheStudy) {
  const auto names = read(config("all")).data.datasets;
  EXPECT_THAT(names, testing::IsSupersetOf({"alpaca", "lima", "ultrachat"}));
  EXPECT_THAT(names, testing::Not(testing::Contains("mine")));
}

TEST_F(DatasetNames, AllButLeavesOut) {
  const auto names = read(config("{all_but: lima}")).data.datasets;
  EXPECT_THAT(names, testing::IsSupersetOf({"alpaca", "ultrachat"}));
  EXPECT_THAT(names, testing::Not(testing::Contains("lima")));
}

TEST_F(DatasetNames, UnknownOnesAreFaults) {
  EXPECT_THAT(faults_of(config("[lmia]")),
              ElementsAre(HasSubstr("unknown dataset 'lmia' (did you mean 'lima'?")));
  EXPECT_THAT(faults_of(config("{all_but: limo}")),
              ElementsAre(HasSubstr("unknown dataset 'limo' (did you mean 'lima'?")));
}

TEST(ShippedConfigs, AreReadWithoutAFault) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(SFT_TEST_SOURCE_DIR);
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("configs")) {
    if (entry.path().extension() == ".yaml") {
      const ConfigNode root = ConfigNode::load(entry.path());
      read_train_config(root);
      EXPECT_NO_THROW(root.check()) << entry.path();
      ++count;
    }
  }
  std::filesystem::current_path(before);
  EXPECT_GE(count, 1);
}

}  // namespace
}  // namespace sft
