#pragma once

#include <cstdint>
#include <string_view>

#include "sft/core/table.h"
#include "sft/estimate/model_shape.h"

namespace sft {

enum class BiasRule {
  kNone,
  kByConfig,  // `attention_bias`: on query, key, value and output
  kQkv,       // on query, key and value, always
};

// Which layers see a window instead of everything, where the file's layer_types do not say.
enum class WindowRule {
  kNone,         // the family has none
  kEveryLayer,   // wherever there is a sliding_window
  kFromLayer,    // use_sliding_window: layers from max_window_layers on
  kEverySecond,  // the first, the third, ...
};

// What of a model's shape depends on its family: a row each, looked up by config.json's model_type.
struct FamilyTraits {
  std::string_view name;
  // What transformers takes a file for that leaves the key out; 0: no default but the usual one.
  int64_t kv_heads;  // else as many as heads
  int64_t head_dim;  // else hidden_size / num_attention_heads
  int64_t context_length;
  bool is_tied;
  int64_t window;
  BiasRule attention_bias;
  bool takes_mlp_bias;
  WindowRule windows;
  // Numbers in the norms of one layer, and in the last.
  int64_t (*layer_norms)(const ModelShape& shape);
  int64_t (*final_norm)(const ModelShape& shape);
};

// Throws Error that lists the known names, opened by `where`.
const FamilyTraits& find_family_traits(std::string_view name, const std::string& where);

}  // namespace sft
