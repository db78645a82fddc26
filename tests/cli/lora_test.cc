// LoRA from outside: train, continue, score, generate, evaluate, merge.

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run_binary.h"
#include "workplace.h"

#include "sft/io/json.h"
#include "sft/io/safetensors.h"

namespace sft {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Lora : public Workplace {
 protected:
  void train(const std::string& output, std::vector<std::string> sets = {}) const {
    const BinaryResult result = sft(training(output, std::move(sets)));
    ASSERT_EQ(result.exit_code, 0) << result.err;
  }
  static std::vector<std::string> training(const std::string& output,
                                           std::vector<std::string> sets = {}) {
    std::vector<std::string> arguments = {"train", "--config", "run.yaml", "--output", output};
    sets.insert(sets.begin(), {"method=lora", "lora.rank=4", "train.learning_rate=1e-2"});
    for (const std::string& set : sets) {
      arguments.insert(arguments.end(), {"--set", set});
    }
    return arguments;
  }

  // Log-probabilities of a completion, in float32.
  double score(const std::vector<std::string>& model) const {
    std::vector<std::string> arguments = {"score", "--dtype",  "float32", "--input",
                                          "-",     "--output", "-"};
    arguments.insert(arguments.end(), model.begin(), model.end());
    const BinaryResult result =
        sft(arguments, R"({"prompt": "###Question: What comes after 3?\n###Answer:", )"
                       R"("completion": " It is 4"})"
                       "\n");
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result.exit_code == 0 ? json_lines(result.out).at(0).at("logprob").get<double>() : 0;
  }

  std::vector<double> losses(const std::string& run) const {
    std::vector<double> all;
    for (const Json& line : json_lines(read_whole_file(path(run) / "metrics.jsonl"))) {
      all.push_back(line.at("loss").get<double>());
    }
    return all;
  }
};

class LoraPrecision : public Lora, public testing::WithParamInterface<const char*> {};

TEST_P(LoraPrecision, LeavesAnAdapterAndLearns) {
  train("run", {std::string("train.precision=") + GetParam()});
  std::vector<std::string> names;
  for (const auto& [name, bytes] : files_of("run/epoch-2")) {
    names.push_back(name);
  }
  EXPECT_THAT(names,
              testing::ElementsAre("adapter_config.json", "adapter_model.safetensors", "sft.json"));
  const Json config = read_json(path("run/epoch-2/adapter_config.json"));
  EXPECT_EQ(config.at("r"), 4);
  EXPECT_EQ(config.at("base_model_name_or_path"), "model");
  const SafetensorsFile file(path("run/epoch-2/adapter_model.safetensors"));
  EXPECT_EQ(file.tensors().size(), 2U * 7 * 2);  // A and B of seven layers in each of two blocks
  for (const auto& [name, view] : file.tensors()) {
    EXPECT_EQ(view.dtype, DType::kF32) << name;
  }
  const Json origin = read_json(path("run/epoch-2/sft.json"));
  EXPECT_EQ(origin.at("method"), "lora");
  EXPECT_EQ(origin.at("adapter_sha256"), weights_sha256(file.tensors()));
  EXPECT_EQ(origin.at("base").at("weights_sha256"),
            weights_sha256(SafetensorsFolder(path("model")).tensors()));
  EXPECT_LT(losses("run").back(), 0.95 * losses("run").front());
  EXPECT_EQ(read_json(path("run/run.json")).at("status"), "done");
}
INSTANTIATE_TEST_SUITE_P(All, LoraPrecision, testing::Values("bf16", "float32"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(Lora, AnAdapterIsScoredOnItsBaseHoweverItIsNamed) {
  train("run");
  const double base = score({"--ckpt", "model"});
  const double adapted = score({"--ckpt", "model", "--adapter", "run/epoch-2"});
  EXPECT_GT(adapted, base + 1);
  EXPECT_EQ(score({"--ckpt", "run/epoch-2"}), adapted);
  EXPECT_NE(score({"--ckpt", "run/epoch-1"}), adapted);
}

TEST_F(Lora, MergedItScoresTheSame) {
  train("run");
  const BinaryResult merged =
      sft({"merge", "--ckpt", "model", "--adapter", "run/epoch-2", "--output", "merged"});
  ASSERT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_NEAR(score({"--ckpt", "merged"}), score({"--ckpt", "run/epoch-2"}), 1e-4);
  const Json origin = read_json(path("merged/sft.json"));
  EXPECT_EQ(origin.at("template"), read_json(path("run/epoch-2/sft.json")).at("template"));
  EXPECT_EQ(origin.at("adapter").at("adapter_sha256"),
            read_json(path("run/epoch-2/sft.json")).at("adapter_sha256"));
  EXPECT_EQ(origin.at("weights_sha256"),
            weights_sha256(SafetensorsFolder(path("merged")).tensors()));
  const BinaryResult again = sft({"merge", "--ckpt", "run/epoch-2", "--output", "merged"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("merged: exists already"));
}

TEST_F(Lora, GeneratesAndTokenizesWithAnAdapterForCheckpoint) {
  train("run");
  const BinaryResult generated = sft({"generate", "--ckpt", "run/epoch-2", "--prompt",
                                      "What comes after 5?", "--max-new-tokens", "4"});
  EXPECT_EQ(generated.exit_code, 0) << generated.err;
  const BinaryResult ids = sft({"tokenize", "--ckpt", "run/epoch-2", "--text", "one"});
  EXPECT_EQ(ids.out, sft({"tokenize", "--ckpt", "model", "--text", "one"}).out);
}

TEST_F(Lora, AdaptersAreEvaluatedOnOneBase) {
  train("run");
  const std::vector<std::string> flags = {
      "eval",
      "--tasks",
      "boolq:0",
      "--data-dir",
      std::string(SFT_TEST_SOURCE_DIR) + "/data/quickstart/bench",
      "--limit",
      "2",
      "--max-new-tokens",
      "4"};
  auto both = flags;
  both.insert(both.end(),
              {"--ckpt", "model", "--adapter", "run/epoch-1", "--adapter", "run/epoch-2"});
  const BinaryResult result = sft(both);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* const epoch : {"epoch-1", "epoch-2"}) {
    const std::filesystem::path checkpoint = path("run") / epoch;
    const Json model = read_json(checkpoint / "eval/results.json").at("model");
    EXPECT_EQ(model.at("name"), epoch);
    EXPECT_EQ(model.at("adapter_sha256"), read_json(checkpoint / "sft.json").at("adapter_sha256"));
    EXPECT_EQ(model.at("weights_sha256"),
              read_json(checkpoint / "sft.json").at("base").at("weights_sha256"));
  }
  // Alone it gives the same as after another.
  auto alone = flags;
  alone.insert(alone.end(), {"--ckpt", "run/epoch-2", "--output", "alone"});
  ASSERT_EQ(sft(alone).exit_code, 0);
  EXPECT_TRUE(files_of("alone").at("results.json") ==
              files_of("run/epoch-2/eval").at("results.json"));
}

TEST_F(Lora, ContinuesAnAdapter) {
  train("first");
  train("second", {"lora.init_from=first/epoch-2", "lora.alpha=16"});
  EXPECT_LT(losses("second").front(), 0.95 * losses("first").front());
  EXPECT_EQ(read_json(path("second/epoch-1/sft.json")).at("init_from").at("adapter_sha256"),
            read_json(path("first/epoch-2/sft.json")).at("adapter_sha256"));
  const BinaryResult other =
      sft(training("third", {"lora.init_from=first/epoch-2", "lora.alpha=3"}));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("'lora.alpha' is 3.0, the adapter in lora.init_from has 16.0"));
  EXPECT_FALSE(std::filesystem::exists(path("third")));
}

TEST_F(Lora, KilledItEndsWithTheSameBytes) {
  const std::vector<std::string> sets = {"train.epochs=6", "train.batch_size=1", "lora.dropout=0.1",
                                         "checkpoints.state_minutes=0.001"};
  train("undisturbed", sets);
  for (int i = 0; i < 3; ++i) {
    RunningBinary running(with_threads(training("run", sets)), folder.path());
    while (!std::filesystem::exists(path("run") / ("epoch-" + std::to_string(2 * i + 1))) &&
           !running.has_ended()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    running.send(SIGKILL);
    running.wait();
  }
  train("run", sets);
  const auto expected = files_of("undisturbed");
  const auto actual = files_of("run");
  for (const auto& [name, bytes] : expected) {
    if (name.starts_with("epoch-") || name == "data.json") {
      ASSERT_TRUE(actual.contains(name)) << name;
      EXPECT_TRUE(actual.at(name) == bytes) << name << " differs";
    }
  }
  EXPECT_EQ(losses("run"), losses("undisturbed"));
}

TEST_F(Lora, PlansWithoutTraining) {
  const BinaryResult full = sft({"train", "--config", "run.yaml", "--plan", "--json"});
  auto arguments = training("run");
  arguments.insert(arguments.end(), {"--plan", "--json"});
  const BinaryResult lora = sft(arguments);
  ASSERT_EQ(lora.exit_code, 0) << lora.err;
  const Json plan = Json::parse(lora.out);
  // Rank 4: (32 + 32) in each of q, k, v, o; (32 + 96) in gate, up, down; in two layers.
  EXPECT_EQ(plan.at("trained_parameters"), 2 * 4 * (4 * 64 + 3 * 128));
  EXPECT_LT(plan.at("memory_bytes"), Json::parse(full.out).at("memory_bytes"));
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(Lora, AnAdapterOfAnotherBaseIsRefused) {
  train("run");
  const BinaryResult made = sft({"init", "--size",
                                 "{hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2,"
                                 " max_position_embeddings: 256}",
                                 "--tokenizer", "model", "--seed", "9", "--output", "other"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"score", "--ckpt", "other", "--adapter", "run/epoch-2", "--input", "rows.jsonl",
            "--output", "out.jsonl"},
           {"merge", "--ckpt", "other", "--adapter", "run/epoch-2", "--output", "new"}}) {
    const BinaryResult result = sft(arguments);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.err, HasSubstr("run/epoch-2: was trained on a base with weights_sha256"));
  }
  EXPECT_FALSE(std::filesystem::exists(path("out.jsonl")));
  EXPECT_FALSE(std::filesystem::exists(path("new")));
  // Without sft.json it is a stranger: its shapes are right, which is said to be all that is known.
  std::filesystem::remove(path("run/epoch-2/sft.json"));
  const BinaryResult stranger = sft({"generate", "--ckpt", "other", "--adapter", "run/epoch-2",
                                     "--prompt", "a", "--max-new-tokens", "1"});
  EXPECT_EQ(stranger.exit_code, 0) << stranger.err;
  EXPECT_THAT(stranger.err, HasSubstr("checked by its shapes alone"));
}

struct BadAdapter {
  const char* name;
  std::vector<std::string> arguments;
  int exit_code;
  const char* message;
};

class LoraRefuses : public Lora, public testing::WithParamInterface<BadAdapter> {};

TEST_P(LoraRefuses, ByName) {
  setenv("HF_HUB_OFFLINE", "1", /*overwrite=*/1);
  folder.write("dora/adapter_config.json",
               R"({"peft_type": "LORA", "r": 4, "lora_alpha": 6, "use_dora": true,
                   "target_modules": ["q_proj"], "base_model_name_or_path": "model"})");
  folder.write("lost/adapter_config.json",
               R"({"peft_type": "LORA", "r": 4, "lora_alpha": 6, "target_modules": ["q_proj"],
                   "base_model_name_or_path": "nowhere/at-all"})");
  folder.write("pairs.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n");
  const auto before = files_of(".");
  const BinaryResult result = sft(GetParam().arguments);
  EXPECT_EQ(result.exit_code, GetParam().exit_code);
  EXPECT_THAT(result.err, AllOf(HasSubstr("sft: error: "), HasSubstr(GetParam().message)));
  EXPECT_TRUE(files_of(".") == before) << "files were left or changed";
}

const std::vector<std::string> kScore = {"score", "--input", "pairs.jsonl", "--output", "o.jsonl"};

std::vector<std::string> with(std::vector<std::string> arguments,
                              const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

INSTANTIATE_TEST_SUITE_P(
    All, LoraRefuses,
    testing::Values(
        BadAdapter{"Dora", with(kScore, {"--ckpt", "dora"}), 1,
                   "dora/adapter_config.json: use_dora true is not supported"},
        BadAdapter{"LostBase", with(kScore, {"--ckpt", "lost"}), 1,
                   "lost: is an adapter whose base 'nowhere/at-all' is no model folder here"},
        BadAdapter{"NoAdapter", with(kScore, {"--ckpt", "model", "--adapter", "none"}), 1,
                   "none: no such folder"},
        BadAdapter{"NoTensors", with(kScore, {"--ckpt", "model", "--adapter", "lost"}), 1,
                   "lost/adapter_model.safetensors"},
        BadAdapter{"TwoAdapters", with(kScore, {"--ckpt", "lost", "--adapter", "lost"}), 2,
                   "--ckpt lost is an adapter itself"},
        BadAdapter{"MergeNothing",
                   {"merge", "--ckpt", "model", "--output", "new"},
                   2,
                   "--adapter is missing: model is a whole model"},
        BadAdapter{"UnknownTarget",
                   {"train", "--config", "run.yaml", "--set", "method=lora", "--set",
                    "lora.targets=[q_prj]"},
                   2,
                   "lora.targets: unknown linear layer 'q_prj' (did you mean 'q_proj'?"},
        BadAdapter{"NoInitFrom",
                   {"train", "--config", "run.yaml", "--set", "method=lora", "--set",
                    "lora.init_from=none"},
                   1,
                   "none/adapter_config.json: no such file"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace sft
