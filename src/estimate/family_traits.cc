#include "estimate/family_traits.h"

#include <array>
#include <span>

namespace sft {
namespace {

int64_t no_norm(const ModelShape& /*shape*/) {
  return 0;
}
int64_t one_norm(const ModelShape& shape) {
  return shape.hidden_size;
}
int64_t two_norms(const ModelShape& shape) {
  return 2 * shape.hidden_size;
}
int64_t four_norms(const ModelShape& shape) {
  return 4 * shape.hidden_size;
}
// Beside the two, one of a query head and one of a key head.
int64_t two_and_head_norms(const ModelShape& shape) {
  return two_norms(shape) + 2 * shape.head_dim;
}
// Beside the two, one of all query heads and one of all key heads together.
int64_t two_and_projection_norms(const ModelShape& shape) {
  return two_norms(shape) + (shape.num_heads + shape.num_kv_heads) * shape.head_dim;
}

constexpr int64_t kNoDefault = 0;

constexpr std::array kFamilies = {
    FamilyTraits{.name = "llama",
                 .kv_heads = kNoDefault,
                 .head_dim = kNoDefault,
                 .context_length = 2048,
                 .is_tied = false,
                 .window = kNoDefault,
                 .attention_bias = BiasRule::kByConfig,
                 .takes_mlp_bias = true,
                 .windows = WindowRule::kNone,
                 .layer_norms = two_norms,
                 .final_norm = one_norm},
    FamilyTraits{.name = "olmo",
                 .kv_heads = kNoDefault,
                 .head_dim = kNoDefault,
                 .context_length = 2048,
                 .is_tied = false,
                 .window = kNoDefault,
                 .attention_bias = BiasRule::kByConfig,
                 .takes_mlp_bias = false,
                 .windows = WindowRule::kNone,
                 .layer_norms = no_norm,
                 .final_norm = no_norm},
    FamilyTraits{.name = "olmo2",
                 .kv_heads = kNoDefault,
                 .head_dim = kNoDefault,
                 .context_length = 2048,
                 .is_tied = false,
                 .window = kNoDefault,
                 .attention_bias = BiasRule::kByConfig,
                 .takes_mlp_bias = false,
                 .windows = WindowRule::kNone,
                 .layer_norms = two_and_projection_norms,
                 .final_norm = one_norm},
    FamilyTraits{.name = "qwen2",
                 .kv_heads = 32,
                 .head_dim = kNoDefault,
                 .context_length = 32768,
                 .is_tied = false,
                 .window = 4096,
                 .attention_bias = BiasRule::kQkv,
                 .takes_mlp_bias = false,
                 .windows = WindowRule::kFromLayer,
                 .layer_norms = two_norms,
                 .final_norm = one_norm},
    FamilyTraits{.name = "qwen3",
                 .kv_heads = 32,
                 .head_dim = 128,
                 .context_length = 32768,
                 .is_tied = false,
                 .window = 4096,
                 .attention_bias = BiasRule::kByConfig,
                 .takes_mlp_bias = false,
                 .windows = WindowRule::kFromLayer,
                 .layer_norms = two_and_head_norms,
                 .final_norm = one_norm},
    FamilyTraits{.name = "mistral",
                 .kv_heads = 8,
                 .head_dim = kNoDefault,
                 .context_length = 131072,
                 .is_tied = false,
                 .window = 4096,
                 .attention_bias = BiasRule::kNone,
                 .takes_mlp_bias = false,
                 .windows = WindowRule::kEveryLayer,
                 .layer_norms = two_norms,
                 .final_norm = one_norm},
    FamilyTraits{.name = "gemma2",
                 .kv_heads = 4,
                 .head_dim = 256,
                 .context_length = 8192,
                 .is_tied = true,
                 .window = 4096,
                 .attention_bias = BiasRule::kByConfig,
                 .takes_mlp_bias = false,
                 .windows = WindowRule::kEverySecond,
                 .layer_norms = four_norms,
                 .final_norm = one_norm},
};

}  // namespace

const FamilyTraits& find_family_traits(std::string_view name, const std::string& where) {
  try {
    return find_entry(std::span<const FamilyTraits>(kFamilies), "model_type", name);
  } catch (const UsageError& error) {
    // A model's own file is at fault, not the command line.
    throw Error(where + ": " + error.what());
  }
}

}  // namespace sft
