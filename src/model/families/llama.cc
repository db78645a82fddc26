// Llama (Touvron et al., 2023) and what shares its block: pre-norm attention with rotary positions,
// then a gated MLP, each added to the residual stream.

#include <string>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/pow.h>

#include "model/blocks.h"
#include "model/families.h"

namespace sft {
namespace {

using at::Tensor;

class LlamaLayer {
 public:
  LlamaLayer(ParameterSet& parameters, const std::string& name, const ModelConfig& config,
             int64_t layer)
      : self_attn_(parameters, name + ".self_attn", config, layer),
        mlp_(parameters, name + ".mlp", config),
        input_layernorm_(parameters, name + ".input_layernorm", config.shape.hidden_size,
                         config.rms_norm_eps),
        post_attention_layernorm_(parameters, name + ".post_attention_layernorm",
                                  config.shape.hidden_size, config.rms_norm_eps) {}

  // x: [tokens, hidden]
  Tensor forward(const Tensor& x, const Tensor& positions, const RotaryTable& rotary,
                 AttentionPattern& pattern) const {
    const Tensor attended =
        x + self_attn_.forward(input_layernorm_.forward(x), positions, rotary, pattern);
    return attended + mlp_.forward(post_attention_layernorm_.forward(attended));
  }

 private:
  SelfAttention self_attn_;
  GatedMlp mlp_;
  RmsNorm input_layernorm_;
  RmsNorm post_attention_layernorm_;
};

// theta^(-2i / head_dim), as transformers computes it: in float32.
Tensor inverse_frequencies(const ModelConfig& config, at::Device device) {
  const int64_t head_dim = config.shape.head_dim;
  const Tensor exponents =
      at::arange(0, head_dim, 2, at::TensorOptions().dtype(at::kFloat).device(device)) /
      static_cast<double>(head_dim);
  return 1.0 / at::pow(config.rope_theta, exponents);
}

class Llama final : public CausalLm {
 public:
  Llama(const ModelConfig& config, at::ScalarType dtype, at::Device device)
      : config_(config),
        parameters_(dtype, device),
        embed_tokens_(parameters_.add("model.embed_tokens.weight",
                                      {config.shape.vocab_size, config.shape.hidden_size})),
        rotary_(
            make_rotary_table(inverse_frequencies(config, device), config.shape.context_length)) {
    for (int64_t layer = 0; layer < config.shape.num_layers; ++layer) {
      layers_.emplace_back(parameters_, "model.layers." + std::to_string(layer), config, layer);
    }
    norm_.emplace_back(parameters_, "model.norm", config.shape.hidden_size, config.rms_norm_eps);
    output_weight_ = config.shape.has_tied_embeddings
                         ? embed_tokens_
                         : parameters_.add("lm_head.weight",
                                           {config.shape.vocab_size, config.shape.hidden_size});
  }

  const ModelConfig& config() const override { return config_; }
  const ParameterSet& parameters() const override { return parameters_; }
  const Tensor& output_weight() const override { return output_weight_; }

  Tensor hidden_states(const PackedTokens& tokens, AttentionPattern& pattern,
                       Recompute recompute) const override {
    Tensor x = at::embedding(embed_tokens_, tokens.token_ids);  // [tokens, hidden]
    for (const LlamaLayer& layer : layers_) {
      const auto forward = [&layer, &pattern, this,
                            positions = tokens.positions](const Tensor& in) {
        return layer.forward(in, positions, rotary_, pattern);
      };
      const bool is_recomputed = recompute == Recompute::kLayers && at::GradMode::is_enabled();
      x = is_recomputed ? recomputed(forward, x) : forward(x);
    }
    return norm_.front().forward(x);
  }

 private:
  ModelConfig config_;
  ParameterSet parameters_;
  Tensor embed_tokens_;
  RotaryTable rotary_;
  std::vector<LlamaLayer> layers_;
  std::vector<RmsNorm> norm_;  // one; made after the layers, in the checkpoint's order
  Tensor output_weight_;
};

}  // namespace

std::unique_ptr<CausalLm> make_llama(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device) {
  return std::make_unique<Llama>(config, dtype, device);
}

}  // namespace sft
