#include "model/blocks.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "model/lora_linear.h"

#include "sft/ops/gated_activation.h"
#include "sft/ops/layer_norm.h"
#include "sft/ops/rms_norm.h"

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

RmsNorm::RmsNorm(ParameterSet& parameters, const std::string& name, int64_t width,
                 const ModelConfig& config)
    : weight_(parameters.add(name + ".weight", {width})),
      eps_(config.rms_norm_eps),
      weight_offset_(config.norm_weight_offset) {}

Tensor RmsNorm::forward(const Tensor& x) const {
  return rms_norm(x, weight_, eps_, weight_offset_);
}

Tensor LayerNorm::forward(const Tensor& x) const {
  return layer_norm(x, eps_);
}

namespace {

std::optional<RmsNorm> make_head_norm(const LayerSite& site, const std::string& name,
                                      QueryKeyNorm norm, int64_t heads) {
  if (norm == QueryKeyNorm::kNone) {
    return std::nullopt;
  }
  const int64_t head_dim = site.config.shape.head_dim;
  return RmsNorm(site.parameters, site.name + ".self_attn." + name,
                 norm == QueryKeyNorm::kPerHead ? head_dim : heads * head_dim, site.config);
}

Linear make_projection(const LayerSite& site, const std::string& name, int64_t heads) {
  const ModelShape& shape = site.config.shape;
  return {site.parameters, site.name + ".self_attn." + name, shape.hidden_size,
          heads * shape.head_dim, shape.has_qkv_bias};
}

}  // namespace

SelfAttention::SelfAttention(const LayerSite& site, QueryKeyNorm norm)
    : layer_(site.index),
      head_dim_(site.config.shape.head_dim),
      clip_(site.config.clip_qkv),
      rule_({.scale = site.config.attention_scale,
             .soft_cap = site.config.attention_soft_cap,
             .window = site.config.shape.layer_windows.at(static_cast<size_t>(site.index))}),
      norm_(norm),
      q_proj_(make_projection(site, "q_proj", site.config.shape.num_heads)),
      k_proj_(make_projection(site, "k_proj", site.config.shape.num_kv_heads)),
      v_proj_(make_projection(site, "v_proj", site.config.shape.num_kv_heads)),
      o_proj_(site.parameters, site.name + ".self_attn.o_proj",
              site.config.shape.num_heads * head_dim_, site.config.shape.hidden_size,
              site.config.shape.has_attention_output_bias),
      q_norm_(make_head_norm(site, "q_norm", norm, site.config.shape.num_heads)),
      k_norm_(make_head_norm(site, "k_norm", norm, site.config.shape.num_kv_heads)) {}

Tensor SelfAttention::heads(const Linear& projection, const Tensor& x,
                            const std::optional<RmsNorm>& norm) const {
  Tensor y = projection.forward(x);  // [tokens, heads * head_dim]
  if (clip_ > 0) {
    y = at::clamp(y, -clip_, clip_);
  }
  if (norm && norm_ == QueryKeyNorm::kProjection) {
    y = norm->forward(y);
  } else if (norm) {
    y = norm->forward(y.view({-1, head_dim_}));  // a head a row
  }
  return y.view({x.size(0), -1, head_dim_});
}

Tensor SelfAttention::forward(const Tensor& x, const LayerContext& context) const {
  const Tensor q = heads(q_proj_, x, q_norm_);  // [tokens, heads, head_dim]
  const Tensor k = heads(k_proj_, x, k_norm_);  // [tokens, kv_heads, head_dim]
  const Tensor v = heads(v_proj_, x, std::nullopt);
  const Tensor out =
      context.pattern.attend(layer_, {.queries = apply_rotary(q, context.positions, context.rotary),
                                      .keys = apply_rotary(k, context.positions, context.rotary),
                                      .values = v,
                                      .rule = rule_});
  return o_proj_.forward(out.flatten(1));
}

GatedMlp::GatedMlp(const LayerSite& site, Activation activation)
    : activation_(activation),
      gate_proj_(site.parameters, site.name + ".mlp.gate_proj", site.config.shape.hidden_size,
                 site.config.shape.intermediate_size, site.config.shape.has_mlp_bias),
      up_proj_(site.parameters, site.name + ".mlp.up_proj", site.config.shape.hidden_size,
               site.config.shape.intermediate_size, site.config.shape.has_mlp_bias),
      down_proj_(site.parameters, site.name + ".mlp.down_proj", site.config.shape.intermediate_size,
                 site.config.shape.hidden_size, site.config.shape.has_mlp_bias) {}

Tensor GatedMlp::forward(const Tensor& x) const {
  const Tensor gate = gate_proj_.forward(x);
  const Tensor up = up_proj_.forward(x);
  return down_proj_.forward(activation_ == Activation::kSilu ? swiglu(gate, up) : geglu(gate, up));
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
