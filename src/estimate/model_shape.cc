#include "sft/estimate/model_shape.h"

#include <array>
#include <string_view>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/table.h"

namespace sft {
namespace {

// Far past any model there is, and small enough that products of two sizes fit 64 bits.
constexpr int64_t kLargestSize = int64_t{1} << 24;
constexpr double kMostParameters = 4.4e12;  // 2^42
constexpr int64_t kDefaultContext = 2048;   // of a llama whose config does not say

// What a family's parameters depend on beside the sizes; new families add rows.
struct FamilyRow {
  std::string_view name;  // config.json's model_type
};
constexpr std::array kFamilies = {FamilyRow{"llama"}};

int64_t checked_size(const Json& value, const std::string& key, const std::string& where) {
  if (!value.is_number_integer()) {
    throw Error(fmt::format("{}: '{}' is {}, must be a whole number", where, key, value.dump()));
  }
  // An unsigned value past 2^63 would turn negative as int64_t.
  const bool is_past_int64 =
      value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(kLargestSize);
  const auto size = value.get<int64_t>();
  if (is_past_int64 || size > kLargestSize) {
    throw Error(
        fmt::format("{}: '{}' is {}, at most {} is taken", where, key, value.dump(), kLargestSize));
  }
  if (size < 1) {
    throw Error(fmt::format("{}: '{}' is {}, must be at least 1", where, key, size));
  }
  return size;
}

bool is_absent(const Json& config, const std::string& key) {
  return !config.contains(key) || config.at(key).is_null();
}

int64_t read_size(const Json& config, const std::string& key, const std::string& where) {
  if (is_absent(config, key)) {
    throw Error(
        fmt::format("{}: '{}' is missing; is this a language model's config.json?", where, key));
  }
  return checked_size(config.at(key), key, where);
}

int64_t read_size_or(const Json& config, const std::string& key, int64_t fallback,
                     const std::string& where) {
  return is_absent(config, key) ? fallback : checked_size(config.at(key), key, where);
}

bool read_flag(const Json& config, const std::string& key, const std::string& where) {
  if (is_absent(config, key)) {
    return false;
  }
  if (!config.at(key).is_boolean()) {
    throw Error(
        fmt::format("{}: '{}' is {}, must be true or false", where, key, config.at(key).dump()));
  }
  return config.at(key).get<bool>();
}

std::string read_family(const Json& config, const std::string& where) {
  if (!config.contains("model_type") || !config.at("model_type").is_string()) {
    throw Error(where + ": 'model_type' is missing; is this a model's config.json?");
  }
  auto name = config.at("model_type").get<std::string>();
  std::vector<std::string> known;
  for (const FamilyRow& row : kFamilies) {
    if (row.name == name) {
      return name;
    }
    known.emplace_back(row.name);
  }
  throw Error(where + ": " + unknown_name("model_type", name, known));
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

int64_t read_head_dim(const Json& config, const ModelShape& shape, const std::string& where) {
  if (!is_absent(config, "head_dim")) {
    return checked_even(read_size(config, "head_dim", where), where);
  }
  if (shape.hidden_size % shape.num_heads != 0) {
    throw Error(fmt::format(
        "{}: hidden_size {} does not divide into num_attention_heads {}, and there is no head_dim",
        where, shape.hidden_size, shape.num_heads));
  }
  return checked_even(shape.hidden_size / shape.num_heads, where);
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
  ModelShape shape;
  shape.model_type = read_family(config, where);
  shape.vocab_size = read_size(config, "vocab_size", where);
  shape.hidden_size = read_size(config, "hidden_size", where);
  shape.intermediate_size = read_size(config, "intermediate_size", where);
  shape.num_layers = read_size(config, "num_hidden_layers", where);
  shape.num_heads = read_size(config, "num_attention_heads", where);
  shape.num_kv_heads = read_size_or(config, "num_key_value_heads", shape.num_heads, where);
  shape.head_dim = read_head_dim(config, shape, where);
  shape.context_length = read_size_or(config, "max_position_embeddings", kDefaultContext, where);
  shape.has_tied_embeddings = read_flag(config, "tie_word_embeddings", where);
  shape.has_attention_bias = read_flag(config, "attention_bias", where);
  shape.has_mlp_bias = read_flag(config, "mlp_bias", where);
  shape.dtype = read_dtype(config);
  if (shape.num_heads % shape.num_kv_heads != 0) {
    throw Error(fmt::format("{}: num_attention_heads {} is no multiple of num_key_value_heads {}",
                            where, shape.num_heads, shape.num_kv_heads));
  }
  if (const double parameters = approximate_parameters(shape); parameters > kMostParameters) {
    throw Error(fmt::format("{}: its sizes make {:.3g} parameters, at most {:.3g} are taken", where,
                            parameters, kMostParameters));
  }
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
  const int64_t attention_bias = has_attention_bias ? query + 2 * key + hidden_size : 0;
  const int64_t mlp = 3 * hidden_size * intermediate_size;
  const int64_t mlp_bias = has_mlp_bias ? 2 * intermediate_size + hidden_size : 0;
  const int64_t norms = 2 * hidden_size;
  return attention + attention_bias + mlp + mlp_bias + norms;
}

int64_t ModelShape::num_parameters() const {
  const int64_t embeddings = vocab_size * hidden_size * (has_tied_embeddings ? 1 : 2);
  const int64_t final_norm = hidden_size;
  return embeddings + num_layers * num_layer_parameters() + final_norm;
}

double ModelShape::layer_flops(double sample_tokens) const {
  const auto hidden = static_cast<double>(hidden_size);
  const auto query = static_cast<double>(num_heads * head_dim);
  const auto key = static_cast<double>(num_kv_heads * head_dim);
  const double matrices =
      hidden * (2 * query + 2 * key) + 3 * hidden * static_cast<double>(intermediate_size);
  // Scores and weighted values: each a product of a query's width with the tokens looked at.
  const double attention = 2 * query * (sample_tokens + 1) / 2;
  return static_cast<double>(num_layers) * 2 * (matrices + attention);
}

double ModelShape::output_flops() const {
  return 2 * static_cast<double>(hidden_size) * static_cast<double>(vocab_size);
}

}  // namespace sft
