#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sft/io/json.h"

namespace sft {

// The sizes of a decoder-only language model, as its config.json has them: enough to count
// parameters and arithmetic without loading a weight.
struct ModelShape {
  std::string model_type;  // "llama"
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t context_length = 0;  // max_position_embeddings
  bool has_tied_embeddings = false;
  bool has_qkv_bias = false;
  bool has_attention_output_bias = false;
  bool has_mlp_bias = false;
  int64_t layer_norm_parameters = 0;  // of all norms of one layer
  int64_t final_norm_parameters = 0;
  // How many tokens each layer's attention sees, the token itself included; 0: all before it.
  std::vector<int64_t> layer_windows;
  std::string dtype;  // of the weights on disk: "float32", "float16", "bfloat16"

  // Trained numbers; a tied output matrix counts once.
  int64_t num_parameters() const;
  int64_t num_layer_parameters() const;  // of one layer
  uint64_t weight_bytes() const;         // on disk, in `dtype`

  // Floating-point operations, a multiply-add as two. Attention is causal, so that a token of a
  // sample of `sample_tokens` looks back at half of them on average.
  // All layers, one token forward; backward costs twice as much.
  double layer_flops(double sample_tokens) const;
  // The output matrix, one token forward; only tokens with a target pay it.
  double output_flops() const;
};

// Reads and checks the sizes, all before anything is allocated: absent, of another type, below 1,
// absurd (a size past 2^24, parameters past 2^42), heads that do not divide, windows that
// contradict the layers. Both styles of transformers' files are taken (`dtype` and `torch_dtype`).
// What a file leaves out is what transformers takes it for, which depends on the family. `where`
// opens the message of the Error thrown. A model type that is not known is an Error that lists the
// known ones.
ModelShape read_model_shape(const Json& config, const std::string& where);

// The same for a model folder's config.json.
ModelShape load_model_shape(const std::filesystem::path& folder);

}  // namespace sft
