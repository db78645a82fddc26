#pragma once

#include <memory>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "sft/model/attention_pattern.h"
#include "sft/model/model_config.h"
#include "sft/model/parameters.h"

namespace sft {

// Tokens of any number of sequences, packed: both [tokens], int64, on the model's device. Positions
// count from 0 in each sequence.
struct PackedTokens {
  at::Tensor token_ids;
  at::Tensor positions;
};

enum class Recompute {
  kNothing,  // keep every layer's activations for the backward pass
  kLayers,   // keep each layer's input only, and compute the layer again: activation checkpointing
};

// A decoder-only language model. Parameters carry the names of its Hugging Face checkpoint.
class CausalLm {
 public:
  virtual ~CausalLm() = default;

  virtual const ModelConfig& config() const = 0;
  virtual const ParameterSet& parameters() const = 0;

  // The last hidden states, after the final norm: [tokens, hidden_size], of the parameters' type.
  // Differentiable where gradients are enabled.
  virtual at::Tensor hidden_states(const PackedTokens& tokens, AttentionPattern& pattern,
                                   Recompute recompute) const = 0;
  // Logits are hidden_states . output_weight^T, capped by config().logit_soft_cap. [vocab_size,
  // hidden_size]; the embedding itself where they are tied.
  virtual const at::Tensor& output_weight() const = 0;
};

// transformers' class of a model family: "LlamaForCausalLM" of "llama". Throws UsageError for an
// unknown family, with the known ones.
std::string_view transformers_class(std::string_view model_type);

// A model of the family that config.model_type names, with uninitialised parameters. Throws Error
// for an unknown family, and for what the family does not support, by name.
std::unique_ptr<CausalLm> make_model(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device);

}  // namespace sft
