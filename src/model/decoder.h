#pragma once

#include <memory>
#include <string>

#include <ATen/core/Tensor.h>

#include "model/blocks.h"

#include "sft/model/causal_lm.h"

namespace sft {

// A layer of a decoder, as its family wires it.
class DecoderLayer {
 public:
  virtual ~DecoderLayer() = default;
  virtual at::Tensor forward(const at::Tensor& x, const LayerContext& context) const = 0;
};

// What a family puts into the trunk that all share: embedding, layers, a last norm, output matrix.
struct DecoderParts {
  std::unique_ptr<DecoderLayer> (*make_layer)(const LayerSite& site);
  std::unique_ptr<Norm> (*make_norm)(ParameterSet& parameters, const std::string& name,
                                     const ModelConfig& config);
  // The embeddings are multiplied with this, rounded to the model's type first.
  double embedding_scale = 1;
};
std::unique_ptr<CausalLm> make_decoder(const ModelConfig& config, at::ScalarType dtype,
                                       at::Device device, const DecoderParts& parts);

// An RMSNorm over the hidden states: DecoderParts::make_norm of most.
std::unique_ptr<Norm> make_rms_norm(ParameterSet& parameters, const std::string& name,
                                    const ModelConfig& config);

// The block that most families share: attention and a gated MLP, each after a norm of its input and
// added to the residual stream.
class PreNormLayer final : public DecoderLayer {
 public:
  // `make_norm` makes both norms, which most families keep in parameters.
  explicit PreNormLayer(const LayerSite& site, QueryKeyNorm query_key_norm = QueryKeyNorm::kNone,
                        decltype(DecoderParts::make_norm) make_norm = make_rms_norm);
  at::Tensor forward(const at::Tensor& x, const LayerContext& context) const override;

 private:
  SelfAttention self_attn_;
  GatedMlp mlp_;
  std::unique_ptr<Norm> input_layernorm_;
  std::unique_ptr<Norm> post_attention_layernorm_;
};

}  // namespace sft
