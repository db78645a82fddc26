#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "model/config_fields.h"

#include "sft/model/causal_lm.h"

namespace sft {

// A row a model family, by the `model_type` of its config.json.
struct ModelFamily {
  std::string_view name;
  std::string_view class_name;  // transformers'
  // Reads what only this family's config.json has, and sets its defaults; before the fields that
  // all have.
  void (*read)(const ConfigFields& fields, ModelConfig& config);
  std::unique_ptr<CausalLm> (*make)(const ModelConfig& config, at::ScalarType dtype,
                                    at::Device device);
};
std::span<const ModelFamily> model_families();

// Throws Error that lists the known ones, opened by `where`.
const ModelFamily& find_family(std::string_view model_type, const std::string& where);

// Of families/<name>.cc each.
ModelFamily gemma2_family();
ModelFamily llama_family();
ModelFamily mistral_family();
ModelFamily olmo_family();
ModelFamily olmo2_family();
ModelFamily qwen2_family();
ModelFamily qwen3_family();

}  // namespace sft
