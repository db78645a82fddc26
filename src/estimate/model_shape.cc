#include "sft/estimate/model_shape.h"

#include <fmt/format.h>

#include "estimate/family_traits.h"
#include "estimate/layer_windows.h"
#include "estimate/shape_fields.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr double kMostParameters = 4.4e12;  // 2^42
constexpr int64_t kMostLayers = 1 << 16;

const FamilyTraits& read_family(const Json& config, const std::string& where) {
  if (!config.contains("model_type") || !config.at("model_type").is_string()) {
    throw Error(where + ": 'model_type' is missing; is this a model's config.json?");
  }
  return find_family_traits(config.at("model_type").get<std::string>(), where);
}

// transformers 5 writes `dtype`, earlier ones `torch_dtype`; without either, float32.
std::string read_dtype(const Json& config) {
  for (const char* const key : {"dtype", "torch_dtype"}) {
    if (config.contains(key) && config.at(key).is_string()) {
      return config.at(key).get<std::string>();
    }
  }
  return "float32";
}

// Rotary positions turn pairs of a head's numbers.
int64_t checked_even(int64_t head_dim, const std::string& where) {
  if (head_dim % 2 != 0) {
    throw Error(fmt::format("{}: a head_dim of {} is odd, must be even", where, head_dim));
  }
  return head_dim;
}

int64_t read_head_dim(const Json& config, const ModelShape& shape, const FamilyTraits& family,
                      const std::string& where) {
  if (!is_absent(config, "head_dim")) {
    return checked_even(read_size(config, "head_dim", where), where);
  }
  if (!config.contains("head_dim") && family.head_dim != 0) {
    return family.head_dim;
  }
  if (shape.hidden_size % shape.num_heads != 0) {
    throw Error(fmt::format(
        "{}: hidden_size {} does not divide into num_attention_heads {}, and there is no head_dim",
        where, shape.hidden_size, shape.num_heads));
  }
  return checked_even(shape.hidden_size / shape.num_heads, where);
}

int64_t read_kv_heads(const Json& config, const ModelShape& shape, const FamilyTraits& family,
                      const std::string& where) {
  const bool has_default = !config.contains("num_key_value_heads") && family.kv_heads != 0;
  const int64_t kv_heads = read_size_or(config, "num_key_value_heads",
                                        has_default ? family.kv_heads : shape.num_heads, where);
  if (shape.num_heads % kv_heads != 0) {
    throw Error(fmt::format("{}: num_attention_heads {} is no multiple of num_key_value_heads {}",
                            where, shape.num_heads, kv_heads));
  }
  return kv_heads;
}

int64_t read_num_layers(const Json& config, const std::string& where) {
  const int64_t layers = read_size(config, "num_hidden_layers", where);
  if (layers > kMostLayers) {
    throw Error(fmt::format("{}: 'num_hidden_layers' is {}, at most {} is taken", where, layers,
                            kMostLayers));
  }
  return layers;
}

void read_biases(const Json& config, const FamilyTraits& family, const std::string& where,
                 ModelShape& shape) {
  const bool is_set = family.attention_bias == BiasRule::kByConfig &&
                      read_flag(config, "attention_bias", false, where);
  shape.has_qkv_bias = is_set || family.attention_bias == BiasRule::kQkv;
  shape.has_attention_output_bias = is_set;
  shape.has_mlp_bias = family.takes_mlp_bias && read_flag(config, "mlp_bias", false, where);
}

// Tokens that a token of a sample of `sample_tokens` looks at, itself included, on average.
double mean_tokens_seen(double sample_tokens, int64_t window) {
  const auto w = static_cast<double>(window);
  if (window == 0 || sample_tokens <= w) {
    return (sample_tokens + 1) / 2;
  }
  return (w * (w + 1) / 2 + (sample_tokens - w) * w) / sample_tokens;
}

// The number of parameters as a double, which cannot overflow.
double approximate_parameters(const ModelShape& shape) {
  const auto hidden = static_cast<double>(shape.hidden_size);
  const double attention = 2 * hidden * static_cast<double>(shape.head_dim) *
                           static_cast<double>(shape.num_heads + shape.num_kv_heads);
  const double mlp = 3 * hidden * static_cast<double>(shape.intermediate_size);
  return static_cast<double>(shape.num_layers) * (attention + mlp) +
         2 * hidden * static_cast<double>(shape.vocab_size);
}

}  // namespace

ModelShape read_model_shape(const Json& config, const std::string& where) {
  if (!config.is_object()) {
    throw Error(where + ": must hold a JSON object");
  }
  const FamilyTraits& family = read_family(config, where);
  ModelShape shape;
  shape.model_type = std::string(family.name);
  shape.vocab_size = read_size(config, "vocab_size", where);
  shape.hidden_size = read_size(config, "hidden_size", where);
  shape.intermediate_size = read_size(config, "intermediate_size", where);
  shape.num_layers = read_num_layers(config, where);
  shape.num_heads = read_size(config, "num_attention_heads", where);
  shape.head_dim = read_head_dim(config, shape, family, where);
  shape.num_kv_heads = read_kv_heads(config, shape, family, where);
  shape.context_length =
      read_size_or(config, "max_position_embeddings", family.context_length, where);
  shape.has_tied_embeddings = read_flag(config, "tie_word_embeddings", family.is_tied, where);
  read_biases(config, family, where, shape);
  shape.dtype = read_dtype(config);
  if (const double parameters = approximate_parameters(shape); parameters > kMostParameters) {
    throw Error(fmt::format("{}: its sizes make {:.3g} parameters, at most {:.3g} are taken", where,
                            parameters, kMostParameters));
  }
  shape.layer_norm_parameters = family.layer_norms(shape);
  shape.final_norm_parameters = family.final_norm(shape);
  shape.layer_windows = read_layer_windows(config, family, shape.num_layers, where);
  return shape;
}

ModelShape load_model_shape(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  return read_model_shape(read_json(path), path.string());
}

int64_t ModelShape::num_layer_parameters() const {
  const int64_t query = num_heads * head_dim;
  const int64_t key = num_kv_heads * head_dim;
  const int64_t attention = hidden_size * (2 * query + 2 * key);
  const int64_t attention_bias =
      (has_qkv_bias ? query + 2 * key : 0) + (has_attention_output_bias ? hidden_size : 0);
  const int64_t mlp = 3 * hidden_size * intermediate_size;
  const int64_t mlp_bias = has_mlp_bias ? 2 * intermediate_size + hidden_size : 0;
  return attention + attention_bias + mlp + mlp_bias + layer_norm_parameters;
}

int64_t ModelShape::num_parameters() const {
  const int64_t embeddings = vocab_size * hidden_size * (has_tied_embeddings ? 1 : 2);
  return embeddings + num_layers * num_layer_parameters() + final_norm_parameters;
}

uint64_t ModelShape::weight_bytes() const {
  const uint64_t width = dtype == "float32" ? 4 : 2;
  return width * static_cast<uint64_t>(num_parameters());
}

double ModelShape::layer_flops(double sample_tokens) const {
  const auto hidden = static_cast<double>(hidden_size);
  const auto query = static_cast<double>(num_heads * head_dim);
  const auto key = static_cast<double>(num_kv_heads * head_dim);
  const double matrices =
      hidden * (2 * query + 2 * key) + 3 * hidden * static_cast<double>(intermediate_size);
  double flops = 0;
  for (const int64_t window : layer_windows) {
    // Scores and weighted values: each a product of a query's width with the tokens looked at.
    const double attention = 2 * query * mean_tokens_seen(sample_tokens, window);
    flops += 2 * (matrices + attention);
  }
  return flops;
}

double ModelShape::output_flops() const {
  return 2 * static_cast<double>(hidden_size) * static_cast<double>(vocab_size);
}

}  // namespace sft
