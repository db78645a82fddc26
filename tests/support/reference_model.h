#pragma once

// The tiny random models of tests/reference/families_reference.py, rebuilt here: their weights are
// in no file but come from Rng by name and index.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "sft/core/rng.h"
#include "sft/io/json.h"
#include "sft/model/causal_lm.h"

namespace sft {

inline const std::vector<std::string>& reference_model_names() {
  static const std::vector<std::string> names = {
      "llama_tied_gqa",    "llama_untied_mha", "llama_wide_heads",    "llama_scaled_rope",
      "llama_linear_rope", "olmo_clipped",     "olmo_tied_gqa",       "olmo2_untied",
      "olmo2_tied",        "qwen2_untied",     "qwen2_tied_window",   "qwen3_untied",
      "qwen3_tied_window", "mistral_window",   "mistral_tied_narrow", "gemma2_tied",
      "gemma2_untied"};
  return names;
}

// All that families_reference.py wrote about a model.
inline Json reference_values(const std::string& name) {
  return read_json(std::string(SFT_TEST_SOURCE_DIR) + "/tests/reference/" + name + ".json");
}

inline void fill_reference_weights(const ParameterSet& parameters, const Json& values) {
  const auto seed = values.at("seed").get<uint64_t>();
  const auto norm_centre = values.at("norm_centre").get<float>();
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : parameters.all()) {
    const Rng rng(seed, parameter.name);
    at::Tensor values = at::empty(parameter.value.sizes(), at::kFloat);
    auto* const data = values.mutable_data_ptr<float>();
    const bool is_norm = parameter.name.find("norm") != std::string::npos;
    for (int64_t i = 0; i < values.numel(); ++i) {
      const float centred = rng.uniform(static_cast<uint64_t>(i)) - 0.5F;
      data[i] = is_norm ? norm_centre + centred * 0.25F : centred * 0.5F;
    }
    parameter.value.copy_(values);
  }
}

inline std::unique_ptr<CausalLm> reference_model(const Json& values, at::ScalarType dtype) {
  auto model = make_model(parse_model_config(values.at("config"), "config.json"), dtype, at::kCPU);
  fill_reference_weights(model->parameters(), values);
  return model;
}

// About the Frobenius norm of the difference between a gradient and the one that was projected on
// the vectors that families_reference.py describes.
inline double estimated_distance(const at::Tensor& gradient, const std::string& name,
                                 const Json& projections) {
  double sum = 0;
  for (size_t k = 0; k < projections.size(); ++k) {
    const Rng rng(k, name);
    const at::Tensor vector = at::empty({gradient.numel()}, at::kDouble);
    auto* const data = vector.mutable_data_ptr<double>();
    for (int64_t i = 0; i < vector.numel(); ++i) {
      data[i] = (2.0 * rng.uniform(static_cast<uint64_t>(i)) - 1) * std::sqrt(3.0);
    }
    const double product = gradient.flatten().dot(vector).item<double>();
    sum += std::pow(product - projections[k].get<double>(), 2);
  }
  return std::sqrt(sum / static_cast<double>(projections.size()));
}

}  // namespace sft
