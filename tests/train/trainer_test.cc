// Training against a loop of transformers and PyTorch (tests/reference/families_reference.py): 20
// steps with warm-up, cosine schedule, weight decay and clipping.

#include "train/trainer.h"

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reference_model.h"
#include "train/optimizer.h"

#include "sft/core/error.h"
#include "sft/train/lr_schedule.h"

namespace sft {
namespace {

using at::Tensor;

OptimizationConfig settings_of(const Json& json) {
  OptimizationConfig config;
  config.learning_rate = json.at("learning_rate").get<double>();
  config.schedule = json.at("schedule") == "cosine"   ? Schedule::kCosine
                    : json.at("schedule") == "linear" ? Schedule::kLinear
                                                      : Schedule::kConstant;
  config.warmup_ratio = json.at("warmup_ratio").get<double>();
  config.weight_decay = json.at("weight_decay").get<double>();
  config.adam_betas = {json.at("adam_betas")[0].get<double>(),
                       json.at("adam_betas")[1].get<double>()};
  config.adam_eps = json.at("adam_eps").get<double>();
  config.max_grad_norm = json.at("max_grad_norm").get<double>();
  return config;
}

std::vector<EncodedSample> samples_of(const Json& list) {
  std::vector<EncodedSample> samples;
  for (const Json& json : list) {
    EncodedSample sample;
    sample.id = std::to_string(samples.size());
    sample.token_ids = json.at("token_ids").get<std::vector<int32_t>>();
    sample.targets = {
        {json.at("num_prompt").get<int32_t>(), static_cast<int32_t>(sample.token_ids.size())}};
    samples.push_back(std::move(sample));
  }
  return samples;
}

// A model with its optimizer, in float32 or in bf16 with float32 masters.
struct Workbench {
  Workbench(const Json& values, at::ScalarType dtype)
      : config(settings_of(values.at("training").at("settings"))),
        samples(samples_of(values.at("samples"))),
        model(reference_model(values, dtype)),
        masters(dtype == at::kFloat ? model->parameters() : model->parameters().like(at::kFloat)) {
    fill_reference_weights(masters, values);
    std::vector<Tensor> master_values;
    for (const Parameter& master : masters.all()) {
      master_values.push_back(master.value);
      before[master.name] = master.value.clone();
    }
    optimizer = std::make_unique<Optimizer>(model->parameters().all(), master_values, config);
  }

  std::vector<const EncodedSample*> batch(const Json& places) const {
    std::vector<const EncodedSample*> batch;
    for (const Json& place : places) {
      batch.push_back(&samples[place.get<size_t>()]);
    }
    return batch;
  }

  OptimizationConfig config;
  std::vector<EncodedSample> samples;
  std::unique_ptr<CausalLm> model;
  ParameterSet masters;
  std::map<std::string, Tensor> before;
  std::unique_ptr<Optimizer> optimizer;
};

bool go_on() {
  return false;
}

class TrainerReference : public testing::TestWithParam<std::string> {
 protected:
  // 20 steps; every loss and norm within `tolerance` (relative) of the reference's.
  void train(Workbench& setup, MicroBatching micro_batching, double tolerance) {
    const Json& training = values_.at("training");
    Trainer trainer(*setup.model, *setup.optimizer, micro_batching);
    const LrSchedule schedule(setup.config, training.at("settings").at("num_steps").get<int64_t>());
    for (size_t i = 0; i < training.at("steps").size(); ++i) {
      const Json& expected = training.at("steps")[i];
      const auto step = static_cast<int64_t>(i);
      const auto batch = setup.batch(training.at("batches")[i]);
      const auto result = trainer.step(batch, schedule.at(step), step + 1, go_on);
      ASSERT_TRUE(result.has_value());
      const double loss = expected.at("loss").get<double>();
      const double norm = expected.at("grad_norm").get<double>();
      EXPECT_NEAR(result->loss, loss, tolerance * loss) << "step " << i;
      EXPECT_NEAR(result->grad_norm, norm, 10 * tolerance * norm) << "step " << i;
      // The values are written with nine digits.
      EXPECT_NEAR(schedule.at(step), expected.at("learning_rate").get<double>(), 1e-11);
    }
  }

  void expect_updates(const Workbench& setup, double tolerance) const {
    const Json& training = values_.at("training");
    double sum = 0;
    for (const Parameter& master : setup.masters.all()) {
      const double norm =
          (master.value - setup.before.at(master.name)).to(at::kDouble).norm().item<double>();
      const double expected = training.at("update_norms").at(master.name).get<double>();
      // A key's bias moves all scores of a query nearly alike: its gradient is a small rest of
      // large terms, of which bf16 leaves little.
      const bool is_vague = tolerance > 0.01 && master.name.ends_with("k_proj.bias");
      EXPECT_NEAR(norm, expected, (is_vague ? 0.5 : tolerance) * expected) << master.name;
      sum += norm * norm;
    }
    const double expected = training.at("update_norm").get<double>();
    EXPECT_NEAR(std::sqrt(sum), expected, tolerance * expected);
  }

  Json values_ = reference_values(GetParam());
};

TEST_P(TrainerReference, TwentyStepsInFloat32) {
  Workbench setup(values_, at::kFloat);
  train(setup, {.max_tokens = 100000, .recompute = Recompute::kNothing}, 1e-4);
  expect_updates(setup, 0.01);
}

TEST_P(TrainerReference, TwentyStepsInMicroBatchesOfASampleRecomputed) {
  Workbench setup(values_, at::kFloat);
  train(setup, {.max_tokens = 1, .recompute = Recompute::kLayers}, 1e-4);
  expect_updates(setup, 0.01);
}

TEST_P(TrainerReference, TwentyStepsInBf16StayClose) {
  Workbench setup(values_, at::kBFloat16);
  train(setup, {.max_tokens = 50, .recompute = Recompute::kNothing}, 0.02);
  expect_updates(setup, 0.05);
}

INSTANTIATE_TEST_SUITE_P(Models, TrainerReference, testing::ValuesIn(reference_model_names()),
                         [](const auto& info) { return info.param; });

TEST(Trainer, AStepThatIsStoppedChangesNothing) {
  const Json values = reference_values("llama_tied_gqa");
  Workbench setup(values, at::kFloat);
  Trainer trainer(*setup.model, *setup.optimizer,
                  {.max_tokens = 1, .recompute = Recompute::kNothing});
  const auto batch = setup.batch(values.at("training").at("batches")[0]);
  int calls = 0;
  EXPECT_FALSE(trainer.step(batch, 1e-2, 1, [&] { return ++calls == 3; }).has_value());
  for (const Parameter& master : setup.masters.all()) {
    EXPECT_TRUE(at::equal(master.value, setup.before.at(master.name))) << master.name;
  }
  EXPECT_EQ(setup.optimizer->gradient_norm(), 0);
}

TEST(Trainer, ALossThatIsNaNIsAnErrorThatNamesTheStep) {
  const Json values = reference_values("llama_tied_gqa");
  Workbench setup(values, at::kFloat);
  setup.masters.all()[0].value.detach().fill_(NAN);
  Trainer trainer(*setup.model, *setup.optimizer,
                  {.max_tokens = 1000, .recompute = Recompute::kNothing});
  const auto batch = setup.batch(values.at("training").at("batches")[0]);
  try {
    trainer.step(batch, 1e-2, 17, go_on);
    FAIL() << "was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("step 17: the loss is NaN"));
  }
}

TEST(Optimizer, ItsStateInAnotherOneContinuesBitForBit) {
  const Json values = reference_values("llama_wide_heads");
  const Json& batches = values.at("training").at("batches");
  Workbench straight(values, at::kBFloat16);
  Workbench resumed(values, at::kBFloat16);
  const MicroBatching micro_batching = {.max_tokens = 60, .recompute = Recompute::kNothing};
  Trainer trainer(*straight.model, *straight.optimizer, micro_batching);
  for (int64_t step = 1; step <= 3; ++step) {
    trainer.step(straight.batch(batches[static_cast<size_t>(step)]), 1e-3, step, go_on);
  }
  std::map<std::string, Tensor> state;
  for (const Parameter& parameter : straight.optimizer->state()) {
    state.emplace(parameter.name, parameter.value.clone());
  }
  resumed.optimizer->load_state(state);
  Trainer later(*resumed.model, *resumed.optimizer, micro_batching);
  trainer.step(straight.batch(batches[4]), 1e-3, 4, go_on);
  later.step(resumed.batch(batches[4]), 1e-3, 4, go_on);
  for (size_t i = 0; i < straight.masters.all().size(); ++i) {
    EXPECT_TRUE(at::equal(straight.masters.all()[i].value, resumed.masters.all()[i].value))
        << straight.masters.all()[i].name;
  }
}

}  // namespace
}  // namespace sft
