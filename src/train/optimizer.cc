#include "train/optimizer.h"

#include <algorithm>
#include <memory>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include "sft/core/error.h"

namespace sft {
namespace {

using at::Tensor;

// Moves a parameter's fresh gradient into its float32 sum.
class SumGradient final : public torch::autograd::PostAccumulateGradHook {
 public:
  explicit SumGradient(Tensor sum) : sum_(std::move(sum)) {}
  void operator()(const torch::autograd::Variable& parameter) override {
    accumulate(sum_, parameter.grad());
    parameter.mutable_grad().reset();
  }

 private:
  Tensor sum_;
};

}  // namespace

Optimizer::Optimizer(const std::vector<Parameter>& trained, const std::vector<Tensor>& masters,
                     const OptimizationConfig& config)
    : config_(config) {
  SFT_CHECK(trained.size() == masters.size());
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < trained.size(); ++i) {
    const Tensor& weight = trained[i].value;
    const Tensor gradient = at::zeros_like(masters[i]);
    slots_.push_back({.name = trained[i].name,
                      .decays = trained[i].decays,
                      .tensors = {.weight = weight.detach(),
                                  .master = masters[i].detach(),
                                  .mean = at::zeros_like(masters[i]),
                                  .square_mean = at::zeros_like(masters[i]),
                                  .gradient = gradient}});
    weight.set_requires_grad(true);
    torch::autograd::impl::set_post_acc_grad_hooks(weight, std::make_unique<SumGradient>(gradient));
    slots_.back().tensors.weight = weight;
  }
}

Optimizer::~Optimizer() {
  for (const Slot& slot : slots_) {
    torch::autograd::impl::set_post_acc_grad_hooks(slot.tensors.weight, nullptr);
  }
}

double Optimizer::gradient_norm() const {
  std::vector<Tensor> gradients;
  for (const Slot& slot : slots_) {
    gradients.push_back(slot.tensors.gradient);
  }
  return global_norm(gradients);
}

void Optimizer::step(double learning_rate, int64_t step, double norm) {
  const at::NoGradGuard no_grad;
  const double clip =
      config_.max_grad_norm > 0 ? std::min(1.0, config_.max_grad_norm / (norm + 1e-6)) : 1.0;
  for (const Slot& slot : slots_) {
    const AdamwSettings settings = {.learning_rate = learning_rate,
                                    .beta1 = config_.adam_betas.first,
                                    .beta2 = config_.adam_betas.second,
                                    .eps = config_.adam_eps,
                                    .weight_decay = slot.decays ? config_.weight_decay : 0,
                                    .step = step};
    adamw_step(slot.tensors, settings, clip);
  }
}

void Optimizer::discard_gradients() {
  for (const Slot& slot : slots_) {
    slot.tensors.gradient.zero_();
  }
}

std::vector<Parameter> Optimizer::state() const {
  std::vector<Parameter> state;
  for (const Slot& slot : slots_) {
    state.push_back({.name = "master." + slot.name, .value = slot.tensors.master});
    state.push_back({.name = "mean." + slot.name, .value = slot.tensors.mean});
    state.push_back({.name = "square_mean." + slot.name, .value = slot.tensors.square_mean});
  }
  return state;
}

void Optimizer::load_state(const std::map<std::string, Tensor>& state) {
  const at::NoGradGuard no_grad;
  for (const Parameter& place : this->state()) {
    const auto found = state.find(place.name);
    if (found == state.end() || found->second.sizes() != place.value.sizes()) {
      throw Error("training state: " + place.name +
                  (found == state.end() ? " is missing" : " has another shape than the model's") +
                  "; the state belongs to another run");
    }
    place.value.detach().copy_(found->second);
  }
  for (const Slot& slot : slots_) {
    slot.tensors.weight.detach().copy_(slot.tensors.master);
  }
}

std::vector<Parameter> Optimizer::masters() const {
  std::vector<Parameter> masters;
  for (const Slot& slot : slots_) {
    masters.push_back({.name = slot.name, .value = slot.tensors.master, .decays = slot.decays});
  }
  return masters;
}

}  // namespace sft
