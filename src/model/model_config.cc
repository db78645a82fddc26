#include "sft/model/model_config.h"

#include <cmath>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace {

bool is_there(const Json& json, const std::string& key) {
  return json.contains(key) && !json.at(key).is_null();
}

void read_number(const Json& json, const std::string& key, const std::string& where,
                 double& value) {
  if (!is_there(json, key)) {
    return;
  }
  const double number = json_member<double>(json, key, where);
  if (!(number > 0) || !std::isfinite(number)) {
    throw Error(where + ": " + key + " is " + format_shortest(number) + ", must be greater than 0");
  }
  value = number;
}

// Kinds of rotary positions other than the plain one change the arithmetic.
void check_rope_kind(const Json& rope, const std::string& where) {
  for (const char* const key : {"rope_type", "type"}) {
    if (is_there(rope, key)) {
      const auto kind = json_member<std::string>(rope, key, where);
      if (kind != "default") {
        throw Error(fmt::format("{}: rope scaling of kind '{}' is not supported", where, kind));
      }
      return;
    }
  }
}

void read_rope(const Json& json, const std::string& where, ModelConfig& config) {
  read_number(json, "rope_theta", where, config.rope_theta);
  for (const char* const key : {"rope_parameters", "rope_scaling"}) {
    if (!is_there(json, key)) {
      continue;
    }
    const Json& rope = json.at(key);
    const std::string place = where + ": " + key;
    if (!rope.is_object()) {
      throw Error(place + " must be an object");
    }
    check_rope_kind(rope, place);
    read_number(rope, "rope_theta", place, config.rope_theta);
    double partial = 1;
    read_number(rope, "partial_rotary_factor", place, partial);
    if (partial != 1) {
      throw Error(place + ": partial_rotary_factor is " + format_shortest(partial) +
                  ", only 1 is supported");
    }
  }
}

void read_eos(const Json& json, const std::string& where, ModelConfig& config) {
  if (!is_there(json, "eos_token_id")) {
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
  read_number(json, "rms_norm_eps", where, config.rms_norm_eps);
  read_rope(json, where, config);
  if (is_there(json, "hidden_act")) {
    const auto activation = json_member<std::string>(json, "hidden_act", where);
    if (activation != "silu") {
      throw Error(where + ": hidden_act '" + activation + "' is not supported, only 'silu'");
    }
  }
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
