#pragma once

#include <functional>
#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "sft/model/attention_pattern.h"
#include "sft/model/causal_lm.h"
#include "sft/model/model_config.h"
#include "sft/model/parameters.h"
#include "sft/ops/rotary.h"

namespace sft {

// The parts that families wire. Each declares its parameters under `name` + "." and keeps them.

// y = x W^T + b, and what an adapter adds (see lora.h). x: [tokens, in]; W: [out, in]; b: [out] or
// none.
class Linear {
 public:
  Linear(ParameterSet& parameters, const std::string& name, int64_t in, int64_t out, bool has_bias);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<LinearSite> site_;  // also in the ParameterSet
};

class RmsNorm {
 public:
  RmsNorm(ParameterSet& parameters, const std::string& name, int64_t width, double eps);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  at::Tensor weight_;
  double eps_;
};

// Grouped-query self-attention with rotary positions. x: [tokens, hidden].
class SelfAttention {
 public:
  SelfAttention(ParameterSet& parameters, const std::string& name, const ModelConfig& config,
                int64_t layer);
  at::Tensor forward(const at::Tensor& x, const at::Tensor& positions, const RotaryTable& rotary,
                     AttentionPattern& pattern) const;

 private:
  int64_t layer_;
  int64_t head_dim_;
  Linear q_proj_;
  Linear k_proj_;
  Linear v_proj_;
  Linear o_proj_;
};

// down(silu(gate(x)) * up(x)).
class GatedMlp {
 public:
  GatedMlp(ParameterSet& parameters, const std::string& name, const ModelConfig& config);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  Linear gate_proj_;
  Linear up_proj_;
  Linear down_proj_;
};

// layer(x), its inner activations forgotten and computed again in the backward pass. Parameters
// that `layer` uses get their gradients as if it had been called plainly, even where x itself needs
// none.
at::Tensor recomputed(const std::function<at::Tensor(const at::Tensor&)>& layer,
                      const at::Tensor& x);

}  // namespace sft
