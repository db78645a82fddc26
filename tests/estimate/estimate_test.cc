#include "sft/estimate/estimate.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

namespace sft {
namespace {

using testing::HasSubstr;

ModelShape smollm2() {
  return read_model_shape({{"model_type", "llama"},
                           {"vocab_size", 49152},
                           {"hidden_size", 576},
                           {"intermediate_size", 1536},
                           {"num_hidden_layers", 30},
                           {"num_attention_heads", 9},
                           {"num_key_value_heads", 3},
                           {"tie_word_embeddings", true}},
                          "config.json");
}

const DataSize kData = {
    .samples = 100, .mean_tokens = 50, .mean_response_tokens = 20, .max_tokens = 200};
const TrainingMethod kMethod = {.micro_batch_tokens = 1000,
                                .logits_chunk_tokens = 256,
                                .is_recomputing = false,
                                .flops_per_second = 1e12,
                                .is_rate_measured = true};
const Machine kMachine = {.available_memory_bytes = 16'000'000'000,
                          .free_disk_bytes = 100'000'000'000};

uint64_t part(const std::vector<EstimatePart>& parts, const std::string& name) {
  for (const EstimatePart& part : parts) {
    if (part.name == name) {
      return part.bytes;
    }
  }
  return 0;
}

TEST(StepsPerEpoch, KeepsOrDropsTheSmallerLastBatch) {
  EXPECT_EQ(steps_per_epoch(100, 32, LastBatch::kKeep), 4);
  EXPECT_EQ(steps_per_epoch(100, 32, LastBatch::kDrop), 3);
  EXPECT_EQ(steps_per_epoch(96, 32, LastBatch::kKeep), 3);
  EXPECT_EQ(steps_per_epoch(1, 32, LastBatch::kKeep), 1);
  EXPECT_EQ(steps_per_epoch(1, 32, LastBatch::kDrop), 0);
}

TEST(Estimate, CountsTokensAndSteps) {
  TrainConfig config;
  config.train.epochs = 2;
  const Estimate estimate = estimate_run(config, smollm2(), kData, kMethod, kMachine);
  EXPECT_EQ(estimate.steps_per_epoch, 4);
  EXPECT_EQ(estimate.steps, 8);
  EXPECT_EQ(estimate.tokens, 2 * 100 * 50);
  EXPECT_EQ(estimate.response_tokens, 2 * 100 * 20);
  config.train.max_steps = 3;
  const Estimate stopped = estimate_run(config, smollm2(), kData, kMethod, kMachine);
  EXPECT_EQ(stopped.steps, 3);
  EXPECT_EQ(stopped.tokens, 3 * 32 * 50);
}

TEST(Estimate, MemoryByPrecision) {
  TrainConfig config;
  const uint64_t parameters = 134'515'008;
  const Estimate bf16 = estimate_run(config, smollm2(), kData, kMethod, kMachine);
  EXPECT_EQ(part(bf16.memory, "weights"), 2 * parameters);
  EXPECT_EQ(part(bf16.memory, "master weights"), 4 * parameters);
  EXPECT_EQ(part(bf16.memory, "moments"), 8 * parameters);
  EXPECT_EQ(part(bf16.memory, "gradients"), 4 * parameters);
  EXPECT_EQ(part(bf16.memory, "logits"), 2 * 256 * 49152 * 4);
  config.train.precision = Precision::kFloat32;
  const Estimate float32 = estimate_run(config, smollm2(), kData, kMethod, kMachine);
  EXPECT_EQ(part(float32.memory, "weights"), 4 * parameters);
  EXPECT_EQ(part(float32.memory, "master weights"), 0);
  EXPECT_EQ(part(float32.memory, "activations"), 2 * part(bf16.memory, "activations"));
}

TEST(Estimate, MemoryIsTheSumOfItsParts) {
  const Estimate estimate = estimate_run({}, smollm2(), kData, kMethod, kMachine);
  uint64_t sum = 0;
  for (const EstimatePart& part : estimate.memory) {
    sum += part.bytes;
  }
  EXPECT_EQ(estimate.memory_bytes, sum);
}

TEST(Estimate, ActivationsFollowTheMicroBatch) {
  // Of one token and layer: hidden 4*576, q 3*576, k and v 3*192, mlp 4*1536, 2 bytes each.
  const uint64_t of_token = 30 * (4 * 576 + 3 * 576 + 3 * 192 + 4 * 1536) * 2;
  TrainingMethod method = kMethod;
  EXPECT_EQ(part(estimate_run({}, smollm2(), kData, method, kMachine).memory, "activations"),
            1000 * of_token);
  // The longest sample is never cut.
  method.micro_batch_tokens = 10;
  EXPECT_EQ(part(estimate_run({}, smollm2(), kData, method, kMachine).memory, "activations"),
            200 * of_token);
  method.is_recomputing = true;
  EXPECT_EQ(part(estimate_run({}, smollm2(), kData, method, kMachine).memory, "activations"),
            200 * (30 * 576 * 2 + of_token / 30));
}

TEST(Estimate, DiskFollowsWhatIsKept) {
  const auto disk = [](CheckpointConfig checkpoints) {
    TrainConfig config;
    config.train.epochs = 10;
    config.checkpoints = std::move(checkpoints);
    return estimate_run(config, smollm2(), kData, kMethod, kMachine).disk.front();
  };
  const uint64_t one = disk({.save = CheckpointConfig::Save::kLast}).bytes;
  EXPECT_GT(one, 2 * 134'515'008U);
  EXPECT_EQ(disk({}).bytes, 10 * one);
  EXPECT_EQ(disk({}).name, "10 checkpoints");
  EXPECT_EQ(disk({.keep = CheckpointConfig::Keep::kBest}).bytes, 2 * one);
  EXPECT_EQ(disk({.keep = CheckpointConfig::Keep::kNewest, .keep_newest = 3}).bytes, 4 * one);
  // 40 steps: after 15, 30, and the last.
  EXPECT_EQ(disk({.save = CheckpointConfig::Save::kSteps, .save_steps = 15}).bytes, 3 * one);
}

TEST(Estimate, TimeIsArithmeticOverRate) {
  TrainConfig config;
  config.train.epochs = 1;
  const ModelShape shape = smollm2();
  const Estimate estimate = estimate_run(config, shape, kData, kMethod, kMachine);
  const double forward = 5000 * shape.layer_flops(50) + 2000 * shape.output_flops();
  EXPECT_DOUBLE_EQ(estimate.flops, 3 * forward);
  EXPECT_DOUBLE_EQ(estimate.seconds, 3 * forward / 1e12);
  // Six operations a parameter and token is the rule of thumb; embeddings cost nothing, and the
  // output matrix only where a target is.
  EXPECT_LT(estimate.flops, 6.0 * 134'515'008 * 5000);
  EXPECT_GT(estimate.flops, 6.0 * 106'000'000 * 5000);
}

TEST(Estimate, SaysWhetherItFits) {
  const Estimate fits = estimate_run({}, smollm2(), kData, kMethod, kMachine);
  EXPECT_TRUE(fits.fits_memory());
  EXPECT_TRUE(fits.fits_disk());
  const Estimate too_small = estimate_run(
      {}, smollm2(), kData, kMethod,
      {.available_memory_bytes = fits.memory_bytes - 1, .free_disk_bytes = fits.disk_bytes - 1});
  EXPECT_FALSE(too_small.fits_memory());
  EXPECT_FALSE(too_small.fits_disk());
  EXPECT_THAT(estimate_text(too_small), HasSubstr("this machine, memory DOES NOT FIT"));
  EXPECT_EQ(estimate_json(too_small)["fits"], false);
  EXPECT_EQ(estimate_json(fits)["fits"], true);
}

TEST(Machine, TellsMemoryAndDiskOfAFolderToBe) {
  const TempFolder folder;
  const Machine machine = this_machine(folder.path() / "not" / "yet");
  EXPECT_GT(machine.available_memory_bytes, 1'000'000U);
  EXPECT_LT(machine.available_memory_bytes, uint64_t{1} << 50);
  EXPECT_LT(machine.free_disk_bytes, uint64_t{1} << 60);
}

TEST(Estimate, AFrozenModelTakesItsWeightsAndLittleMore) {
  TrainConfig config;
  config.method = Method::kLora;
  TrainingMethod method = kMethod;
  method.adapter_parameters = 2'400'000;
  const Estimate full = estimate_run(config, smollm2(), kData, kMethod, kMachine);
  const Estimate lora = estimate_run(config, smollm2(), kData, method, kMachine);
  EXPECT_EQ(lora.parameters, full.parameters);
  EXPECT_EQ(lora.trained_parameters, 2'400'000);
  EXPECT_EQ(part(lora.memory, "weights"), part(full.memory, "weights"));
  EXPECT_EQ(part(lora.memory, "master weights"), 0U);
  EXPECT_EQ(part(lora.memory, "adapters"), 4U * 2'400'000);
  EXPECT_EQ(part(lora.memory, "moments"), 8U * 2'400'000);
  EXPECT_EQ(part(lora.memory, "gradients"), 4U * 2'400'000);
  EXPECT_LT(lora.disk_bytes, full.disk_bytes / 20);
  // Two thirds of the arithmetic, and the adapter's.
  EXPECT_GT(lora.flops, full.flops * 2 / 3);
  EXPECT_LT(lora.flops, full.flops * 0.75);
  EXPECT_THAT(estimate_text(lora), HasSubstr("trained"));
}

}  // namespace
}  // namespace sft
