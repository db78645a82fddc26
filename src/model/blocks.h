#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "sft/model/attention_pattern.h"
#include "sft/model/model_config.h"
#include "sft/model/parameters.h"
#include "sft/ops/attention.h"
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

// What a layer's parts are made from.
struct LayerSite {
  ParameterSet& parameters;
  std::string name;  // "model.layers.3"
  const ModelConfig& config;
  int64_t index;
};

// What a layer computes with beside its input; copies share the tensor.
struct LayerContext {
  at::Tensor positions;  // [tokens]
  const RotaryTable& rotary;
  AttentionPattern& pattern;
};

class Norm {
 public:
  virtual ~Norm() = default;
  virtual at::Tensor forward(const at::Tensor& x) const = 0;  // x: [rows, width]
};

class RmsNorm final : public Norm {
 public:
  RmsNorm(ParameterSet& parameters, const std::string& name, int64_t width,
          const ModelConfig& config);
  at::Tensor forward(const at::Tensor& x) const override;

 private:
  at::Tensor weight_;
  double eps_;
  double weight_offset_;
};

// Without parameters.
class LayerNorm final : public Norm {
 public:
  explicit LayerNorm(double eps) : eps_(eps) {}
  at::Tensor forward(const at::Tensor& x) const override;

 private:
  double eps_;
};

// Norms of queries and keys before their rotation.
enum class QueryKeyNorm {
  kNone,
  kPerHead,     // of each head alone
  kProjection,  // of all heads together
};

// Grouped-query self-attention with rotary positions; clipping, soft cap, scale and window are the
// config's. x: [tokens, hidden].
class SelfAttention {
 public:
  explicit SelfAttention(const LayerSite& site, QueryKeyNorm norm = QueryKeyNorm::kNone);
  at::Tensor forward(const at::Tensor& x, const LayerContext& context) const;

 private:
  // A projection to [tokens, heads, head_dim].
  at::Tensor heads(const Linear& projection, const at::Tensor& x,
                   const std::optional<RmsNorm>& norm) const;

  int64_t layer_;
  int64_t head_dim_;
  double clip_;
  AttentionRule rule_;
  QueryKeyNorm norm_;
  Linear q_proj_;
  Linear k_proj_;
  Linear v_proj_;
  Linear o_proj_;
  std::optional<RmsNorm> q_norm_;
  std::optional<RmsNorm> k_norm_;
};

enum class Activation { kSilu, kGeluTanh };

// down(activation(gate(x)) * up(x)).
class GatedMlp {
 public:
  explicit GatedMlp(const LayerSite& site, Activation activation = Activation::kSilu);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  Activation activation_;
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
