#include "model/blocks.h"

#include <cmath>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "model/lora_linear.h"

#include "sft/ops/rms_norm.h"
#include "sft/ops/swiglu.h"

namespace sft {

using at::Tensor;

Linear::Linear(ParameterSet& parameters, const std::string& name, int64_t in, int64_t out,
               bool has_bias)
    : site_(std::make_shared<LinearSite>()) {
  site_->name = name;
  site_->weight = parameters.add(name + ".weight", {out, in});
  if (has_bias) {
    site_->bias = parameters.add(name + ".bias", {out});
  }
  parameters.add_linear(site_);
}

Tensor Linear::forward(const Tensor& x) const {
  return site_->lora.has_value() ? lora_forward(*site_, x)
                                 : at::linear(x, site_->weight, site_->bias);
}

RmsNorm::RmsNorm(ParameterSet& parameters, const std::string& name, int64_t width, double eps)
    : weight_(parameters.add(name + ".weight", {width})), eps_(eps) {}

Tensor RmsNorm::forward(const Tensor& x) const {
  return rms_norm(x, weight_, eps_);
}

SelfAttention::SelfAttention(ParameterSet& parameters, const std::string& name,
                             const ModelConfig& config, int64_t layer)
    : layer_(layer),
      head_dim_(config.shape.head_dim),
      q_proj_(parameters, name + ".q_proj", config.shape.hidden_size,
              config.shape.num_heads * head_dim_, config.shape.has_attention_bias),
      k_proj_(parameters, name + ".k_proj", config.shape.hidden_size,
              config.shape.num_kv_heads * head_dim_, config.shape.has_attention_bias),
      v_proj_(parameters, name + ".v_proj", config.shape.hidden_size,
              config.shape.num_kv_heads * head_dim_, config.shape.has_attention_bias),
      o_proj_(parameters, name + ".o_proj", config.shape.num_heads * head_dim_,
              config.shape.hidden_size, config.shape.has_attention_bias) {}

Tensor SelfAttention::forward(const Tensor& x, const Tensor& positions, const RotaryTable& rotary,
                              AttentionPattern& pattern) const {
  const int64_t tokens = x.size(0);
  const Tensor q = q_proj_.forward(x).view({tokens, -1, head_dim_});  // [tokens, heads, head_dim]
  const Tensor k =
      k_proj_.forward(x).view({tokens, -1, head_dim_});  // [tokens, kv_heads, head_dim]
  const Tensor v = v_proj_.forward(x).view({tokens, -1, head_dim_});
  const double scale = 1 / std::sqrt(static_cast<double>(head_dim_));
  const Tensor out = pattern.attend(layer_, apply_rotary(q, positions, rotary),
                                    apply_rotary(k, positions, rotary), v, scale);
  return o_proj_.forward(out.flatten(1));
}

GatedMlp::GatedMlp(ParameterSet& parameters, const std::string& name, const ModelConfig& config)
    : gate_proj_(parameters, name + ".gate_proj", config.shape.hidden_size,
                 config.shape.intermediate_size, config.shape.has_mlp_bias),
      up_proj_(parameters, name + ".up_proj", config.shape.hidden_size,
               config.shape.intermediate_size, config.shape.has_mlp_bias),
      down_proj_(parameters, name + ".down_proj", config.shape.intermediate_size,
                 config.shape.hidden_size, config.shape.has_mlp_bias) {}

Tensor GatedMlp::forward(const Tensor& x) const {
  return down_proj_.forward(swiglu(gate_proj_.forward(x), up_proj_.forward(x)));
}

namespace {

using LayerFunction = std::function<Tensor(const Tensor&)>;

class RecomputeFunction : public torch::autograd::Function<RecomputeFunction> {
 public:
  // `anchor` needs a gradient, so that the result does: parameters inside the layer may be trained
  // where x comes from frozen ones.
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x,
                        const Tensor& /*anchor*/, const std::shared_ptr<LayerFunction>& layer) {
    context->save_for_backward({x});
    context->saved_data["layer"] = c10::IValue::make_capsule(c10::make_intrusive<Holder>(layer));
    const at::NoGradGuard no_grad;
    return (*layer)(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const at::AutoGradMode enable_grad(true);
    const bool needs_x = context->needs_input_grad(0);
    const Tensor x = context->get_saved_variables()[0].detach().requires_grad_(needs_x);
    const auto holder = context->saved_data["layer"].toCapsule();
    const Tensor y = (*static_cast<Holder*>(holder.get())->layer)(x);
    if (y.requires_grad()) {
      torch::autograd::backward({y}, {grads[0]});
    }
    return {needs_x ? x.grad() : Tensor(), Tensor(), Tensor()};
  }

 private:
  struct Holder : torch::CustomClassHolder {
    explicit Holder(std::shared_ptr<LayerFunction> function) : layer(std::move(function)) {}
    std::shared_ptr<LayerFunction> layer;
  };
};

}  // namespace

Tensor recomputed(const LayerFunction& layer, const Tensor& x) {
  const Tensor anchor = at::empty({0}).requires_grad_(true);
  return RecomputeFunction::apply(x, anchor, std::make_shared<LayerFunction>(layer));
}

}  // namespace sft
