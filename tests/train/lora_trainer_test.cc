// Training adapters against peft and PyTorch's loop (tests/reference/lora_reference.py): 20 steps
// from the same adapter.

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "lora_reference.h"
#include "train/optimizer.h"
#include "train/trainer.h"

#include "sft/train/lr_schedule.h"

namespace sft {
namespace {

using at::Tensor;

OptimizationConfig settings_of(const Json& json) {
  OptimizationConfig config;
  config.learning_rate = json.at("learning_rate").get<double>();
  config.schedule = Schedule::kCosine;
  config.warmup_ratio = json.at("warmup_ratio").get<double>();
  config.weight_decay = json.at("weight_decay").get<double>();
  config.adam_betas = {json.at("adam_betas")[0].get<double>(),
                       json.at("adam_betas")[1].get<double>()};
  config.adam_eps = json.at("adam_eps").get<double>();
  config.max_grad_norm = json.at("max_grad_norm").get<double>();
  return config;
}

// A case's model with its adapter and the adapter's optimizer.
struct LoraWorkbench {
  LoraWorkbench(const Json& values, at::ScalarType dtype)
      : base(reference_values(values.at("model").get<std::string>())),
        config(settings_of(values.at("training").at("settings"))),
        model(reference_model(base, dtype)),
        adapter(attach_reference_adapter(*model, values)) {
    std::vector<Tensor> masters;
    for (const Parameter& parameter : adapter) {
      before[parameter.name] = parameter.value.clone();
      masters.push_back(parameter.value);
    }
    for (const Parameter& parameter : model->parameters().all()) {
      before[parameter.name] = parameter.value.clone();
    }
    for (const Json& json : base.at("samples")) {
      EncodedSample sample;
      sample.id = "sample " + std::to_string(samples.size());
      sample.token_ids = json.at("token_ids").get<std::vector<int32_t>>();
      sample.targets = {
          {json.at("num_prompt").get<int32_t>(), static_cast<int32_t>(sample.token_ids.size())}};
      samples.push_back(std::move(sample));
    }
    optimizer = std::make_unique<Optimizer>(adapter, masters, config);
  }

  std::vector<const EncodedSample*> batch(const Json& places) const {
    std::vector<const EncodedSample*> batch;
    for (const Json& place : places) {
      batch.push_back(&samples[place.get<size_t>()]);
    }
    return batch;
  }

  // Dropout in every layer that has an adapter.
  void set_dropout(double probability) const {
    for (const auto& site : model->parameters().linear_sites()) {
      if (site->lora.has_value()) {
        site->lora->dropout = probability;
      }
    }
  }

  Json base;
  OptimizationConfig config;
  std::vector<EncodedSample> samples;
  std::unique_ptr<CausalLm> model;
  std::vector<Parameter> adapter;
  std::map<std::string, Tensor> before;
  std::unique_ptr<Optimizer> optimizer;
};

bool go_on() {
  return false;
}

class LoraTrainer : public testing::TestWithParam<std::string> {
 protected:
  // 20 steps; every loss within `tolerance` (relative) of the reference's, norms within ten times.
  void train(const LoraWorkbench& setup, MicroBatching micro_batching, double tolerance) const {
    const Json& training = values_.at("training");
    Trainer trainer(*setup.model, *setup.optimizer, micro_batching);
    const LrSchedule schedule(setup.config, training.at("settings").at("num_steps").get<int64_t>());
    for (size_t i = 0; i < training.at("steps").size(); ++i) {
      const Json& expected = training.at("steps")[i];
      const auto step = static_cast<int64_t>(i);
      const auto result =
          trainer.step(setup.batch(training.at("batches")[i]), schedule.at(step), step + 1, go_on);
      const double loss = expected.at("loss").get<double>();
      const double norm = expected.at("grad_norm").get<double>();
      ASSERT_TRUE(result.has_value());
      EXPECT_NEAR(result->loss, loss, tolerance * loss) << "step " << i;
      EXPECT_NEAR(result->grad_norm, norm, 10 * tolerance * norm) << "step " << i;
    }
    double sum = 0;
    for (const Parameter& parameter : setup.adapter) {
      const Tensor change = (parameter.value - setup.before.at(parameter.name)).to(at::kDouble);
      sum += change.square().sum().item<double>();
    }
    const double expected = training.at("update_norm").get<double>();
    EXPECT_NEAR(std::sqrt(sum), expected, 10 * tolerance * expected);
    for (const Parameter& parameter : setup.model->parameters().all()) {
      EXPECT_TRUE(at::equal(parameter.value, setup.before.at(parameter.name))) << parameter.name;
    }
  }

  Json values_ = lora_values(GetParam());
};

TEST_P(LoraTrainer, TwentyStepsInFloat32) {
  train(LoraWorkbench(values_, at::kFloat),
        {.max_tokens = 100000, .recompute = Recompute::kNothing}, 1e-4);
}

TEST_P(LoraTrainer, TwentyStepsInMicroBatchesOfASampleRecomputed) {
  train(LoraWorkbench(values_, at::kFloat), {.max_tokens = 1, .recompute = Recompute::kLayers},
        1e-4);
}

TEST_P(LoraTrainer, TwentyStepsInBf16StayClose) {
  train(LoraWorkbench(values_, at::kBFloat16), {.max_tokens = 50, .recompute = Recompute::kNothing},
        0.02);
}

INSTANTIATE_TEST_SUITE_P(Cases, LoraTrainer, testing::ValuesIn(lora_case_names()),
                         [](const auto& info) { return info.param; });

// Under dropout too, a step is that of its samples, however they are packed.
TEST(LoraTrainer, DropoutDoesNotDependOnMicroBatches) {
  const Json values = lora_values("all_linear");
  const Json& batches = values.at("training").at("batches");
  std::vector<std::vector<double>> losses;
  for (const int64_t max_tokens : {1, 40, 100000}) {
    const LoraWorkbench setup(values, at::kFloat);
    setup.set_dropout(0.25);
    Trainer trainer(*setup.model, *setup.optimizer,
                    {.max_tokens = max_tokens, .recompute = Recompute::kNothing});
    losses.emplace_back();
    for (int64_t step = 1; step <= 3; ++step) {
      // In another order as well.
      auto batch = setup.batch(batches[static_cast<size_t>(step)]);
      if (max_tokens == 40) {
        std::ranges::reverse(batch);
      }
      losses.back().push_back(trainer.step(batch, 1e-3, step, go_on)->loss);
    }
  }
  for (size_t step = 0; step < 3; ++step) {
    EXPECT_NEAR(losses[0][step], losses[2][step], 1e-5 * losses[2][step]);
    EXPECT_NEAR(losses[1][step], losses[2][step], 1e-5 * losses[2][step]);
    EXPECT_GT(std::abs(losses[2][step] -
                       values.at("training").at("steps")[step + 1].at("loss").get<double>()),
              1e-3);
  }
}

TEST(LoraTrainer, EvaluationDropsNothing) {
  const Json values = lora_values("all_linear");
  const LoraWorkbench setup(values, at::kFloat);
  const auto batch = setup.batch(values.at("training").at("batches")[0]);
  const Trainer trainer(*setup.model, *setup.optimizer,
                        {.max_tokens = 100, .recompute = Recompute::kNothing});
  const double plain = trainer.evaluate(batch);
  setup.set_dropout(0.5);
  EXPECT_EQ(trainer.evaluate(batch), plain);
}

}  // namespace
}  // namespace sft
