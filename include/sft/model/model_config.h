#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sft/estimate/model_shape.h"
#include "sft/io/json.h"

namespace sft {

// A model's config.json: the sizes (ModelShape), and what else decides its arithmetic. Reads both
// styles: transformers 5 (`rope_parameters`, `dtype`) and older (`rope_theta`, `rope_scaling`,
// `torch_dtype`). Throws Error: file, key, what is there, what it must be.
struct ModelConfig {
  ModelShape shape;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  std::vector<int32_t> eos_token_ids;  // config.json's, then generation_config.json's
  Json json;                           // the whole file, for the checkpoints written from it
};

// Reads config.json (and generation_config.json where there is one) of a model folder.
ModelConfig read_model_config(const std::filesystem::path& folder);
// The same from a value; `where` names it in messages.
ModelConfig parse_model_config(const Json& json, const std::string& where);

}  // namespace sft
