#pragma once

#include <memory>
#include <span>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "sft/model/causal_lm.h"

namespace sft {

// A row a model family, by the `model_type` of its config.json.
struct ModelFamily {
  std::string_view name;
  std::unique_ptr<CausalLm> (*make)(const ModelConfig& config, at::ScalarType dtype,
                                    at::Device device);
};
std::span<const ModelFamily> model_families();

std::unique_ptr<CausalLm> make_llama(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device);

}  // namespace sft
