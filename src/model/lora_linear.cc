#include "model/lora_linear.h"

#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "sft/core/error.h"
#include "sft/ops/dropout.h"

namespace sft {
namespace {

using at::Tensor;

// What of a branch is no tensor, kept for the backward pass.
struct Chance : torch::CustomClassHolder {
  std::vector<DropoutRows> streams;  // empty: no dropout
  double probability = 0;

  Tensor apply(const Tensor& x) const {
    return streams.empty() ? x : keyed_dropout(x, streams, probability);
  }
};

// A stream a sample, named by step, sample and layer; its rows are the sample's positions.
c10::intrusive_ptr<Chance> chance_of(const LinearSite& site) {
  auto chance = c10::make_intrusive<Chance>();
  if (site.rows == nullptr || site.lora->dropout == 0) {
    return chance;
  }
  chance->probability = site.lora->dropout;
  const TrainingRows& rows = *site.rows;
  for (size_t i = 0; i < rows.sample_ids.size(); ++i) {
    const std::string stream =
        fmt::format("dropout\n{}\n{}\n{}", rows.step, rows.sample_ids[i], site.name);
    chance->streams.push_back({.rng = Rng(site.lora->seed, stream),
                               .begin = rows.cu_seqlens[i],
                               .end = rows.cu_seqlens[i + 1]});
  }
  return chance;
}

// The branch's matrices as the products take them; the scale goes into B.
struct Rounded {
  Tensor a;  // [rank, in]
  Tensor b;  // [out, rank]
};

Rounded rounded(const Tensor& a, const Tensor& b, double scale, at::ScalarType type) {
  return {.a = a.to(type), .b = (scale == 1 ? b : b * scale).to(type)};
}

// y += the branch; returns x A^T [tokens, rank].
Tensor add_branch(const Tensor& y, const Tensor& dropped, const Rounded& branch) {
  Tensor thin = at::mm(dropped, branch.a.t());
  y.addmm_(thin, branch.b.t());
  return thin;
}

class LoraFunction : public torch::autograd::Function<LoraFunction> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Tensor& a,
                        const Tensor& b, const LinearSite& site) {
    const Rounded branch = rounded(a, b, site.lora->scale, x.scalar_type());
    const auto chance = chance_of(site);
    Tensor y = at::linear(x, site.weight, site.bias);
    const Tensor thin = add_branch(y, chance->apply(x), branch);
    context->save_for_backward({x, site.weight, thin, branch.a, branch.b});
    context->saved_data["scale"] = site.lora->scale;
    context->saved_data["chance"] = c10::IValue::make_capsule(chance);
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const Tensor& x = saved[0];
    const Tensor& weight = saved[1];
    const Tensor& thin = saved[2];
    const Tensor& a = saved[3];
    const Tensor& b = saved[4];
    const auto capsule = context->saved_data["chance"].toCapsule();
    const auto& chance = *static_cast<const Chance*>(capsule.get());
    const Tensor dy = grads[0].contiguous();
    const Tensor dthin = at::mm(dy, b);  // [tokens, rank], scaled
    const Tensor da = at::mm(dthin.t(), chance.apply(x)).to(at::kFloat);
    const Tensor db = at::mm(dy.t(), thin).to(at::kFloat) * context->saved_data["scale"].toDouble();
    Tensor dx;
    if (context->needs_input_grad(0)) {
      dx = at::mm(dy, weight);
      if (chance.streams.empty()) {
        dx.addmm_(dthin, a);
      } else {
        dx.add_(chance.apply(at::mm(dthin, a)));
      }
    }
    return {dx, da, db, Tensor()};
  }
};

}  // namespace

Tensor lora_forward(const LinearSite& site, const Tensor& x) {
  SFT_CHECK(!site.weight.requires_grad());
  const LoraBranch& lora = *site.lora;
  if (at::GradMode::is_enabled()) {
    return LoraFunction::apply(x, lora.a, lora.b, site);
  }
  Tensor y = at::linear(x, site.weight, site.bias);
  add_branch(y, chance_of(site)->apply(x), rounded(lora.a, lora.b, lora.scale, x.scalar_type()));
  return y;
}

}  // namespace sft
