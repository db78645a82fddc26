#include "sft/model/model_config.h"

#include <cmath>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "model/config_fields.h"
#include "model/families.h"
#include "model/rope.h"

#include "sft/core/error.h"

namespace sft {
namespace {

// An id that is no token's (-1 in old files) is no one's embedding either.
void read_padding(const Json& json, ModelConfig& config) {
  if (!json.contains("pad_token_id")) {
    return;  // the family's default
  }
  const Json& id = json.at("pad_token_id");
  const bool is_token = id.is_number_integer() && id >= 0 && id < config.shape.vocab_size;
  config.padding_id = is_token ? id.get<int64_t>() : -1;
}

void read_eos(const Json& json, const std::string& where, ModelConfig& config) {
  if (!ConfigFields(json, where).has("eos_token_id")) {
    return;
  }
  const Json& value = json.at("eos_token_id");
  const Json list = value.is_array() ? value : Json::array({value});
  std::set<int32_t> known(config.eos_token_ids.begin(), config.eos_token_ids.end());
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 ||
        id.get<int64_t>() >= config.shape.vocab_size) {
      throw Error(where + ": eos_token_id is " + id.dump() + ", must be a token id from 0 to " +
                  std::to_string(config.shape.vocab_size - 1));
    }
    if (known.insert(id.get<int32_t>()).second) {
      config.eos_token_ids.push_back(id.get<int32_t>());
    }
  }
}

// The rotary table has a row a position; a larger one would be no model's.
void check_context(const ModelShape& shape, const std::string& where) {
  constexpr int64_t kMaxTableElements = int64_t{1} << 28;
  if (shape.context_length > kMaxTableElements / shape.head_dim) {
    throw Error(fmt::format("{}: max_position_embeddings is {}, at most {} are supported", where,
                            shape.context_length, kMaxTableElements / shape.head_dim));
  }
}

}  // namespace

ModelConfig parse_model_config(const Json& json, const std::string& where) {
  ModelConfig config;
  config.shape = read_model_shape(json, where);
  check_context(config.shape, where);
  config.attention_scale = 1 / std::sqrt(static_cast<double>(config.shape.head_dim));
  const ConfigFields fields(json, where);
  find_family(config.shape.model_type, where).read(fields, config);
  fields.read_positive("rms_norm_eps", config.rms_norm_eps);
  read_rope(fields, config);
  read_padding(json, config);
  read_eos(json, where, config);
  config.json = json;
  return config;
}

ModelConfig read_model_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw Error(folder.string() +
                ": no such model folder; give a folder with config.json, "
                "model.safetensors and tokenizer.json");
  }
  ModelConfig config = parse_model_config(read_json(path), path.string());
  const std::filesystem::path generation = folder / "generation_config.json";
  if (std::filesystem::exists(generation, error)) {
    read_eos(read_json(generation), generation.string(), config);
  }
  return config;
}

}  // namespace sft
