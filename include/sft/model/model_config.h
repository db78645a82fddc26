#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sft/estimate/model_shape.h"
#include "sft/io/json.h"

namespace sft {

// How rotary positions are stretched for contexts past those that a model was trained on first.
struct RopeScaling {
  enum class Kind { kNone, kLinear, kLlama3 };
  Kind kind = Kind::kNone;
  double factor = 1;
  // kLlama3: wave lengths below original_context / high_frequency_factor stay, those above
  // original_context / low_frequency_factor are stretched.
  double low_frequency_factor = 1;
  double high_frequency_factor = 4;
  double original_context = 0;  // tokens
};

// A model's config.json: the sizes (ModelShape), and what else decides its arithmetic. Reads both
// styles: transformers 5 (`rope_parameters`, `dtype`) and older (`rope_theta`, `rope_scaling`,
// `torch_dtype`). Throws Error: file, key, what is there, what it must be.
struct ModelConfig {
  ModelShape shape;
  double rms_norm_eps = 1e-6;
  double norm_weight_offset = 0;  // added to the weights of norms: 1 where they are stored less 1
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  double attention_scale = 1;          // of the products q . k
  double attention_soft_cap = 0;       // of scores; 0: none
  double logit_soft_cap = 0;           // of logits; 0: none
  double clip_qkv = 0;                 // bound of queries, keys and values; 0: none
  int64_t padding_id = -1;             // its embedding is not trained, as in transformers; -1: none
  std::vector<int32_t> eos_token_ids;  // config.json's, then generation_config.json's
  Json json;                           // the whole file, for the checkpoints written from it
};

// Reads config.json (and generation_config.json where there is one) of a model folder.
ModelConfig read_model_config(const std::filesystem::path& folder);
// The same from a value; `where` names it in messages.
ModelConfig parse_model_config(const Json& json, const std::string& where);

}  // namespace sft
