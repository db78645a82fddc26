#pragma once

// The adapters of tests/reference/lora_reference.py, rebuilt here: their weights are in no file but
// come from Rng by name and index.

#include <filesystem>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "reference_model.h"

#include "sft/core/rng.h"
#include "sft/io/json.h"
#include "sft/model/adapter.h"

namespace sft {

inline const std::vector<std::string>& lora_case_names() {
  static const std::vector<std::string> names = {"all_linear", "patterns", "rank_stabilized"};
  return names;
}

// All that lora_reference.py wrote about a case.
inline Json lora_values(const std::string& name) {
  return read_json(std::string(SFT_TEST_SOURCE_DIR) + "/tests/reference/lora_" + name + ".json");
}

inline LoraConfig lora_config_of(const Json& values) {
  return parse_adapter_config(values.at("adapter_config"), "adapter_config.json").lora;
}

inline void fill_reference_adapter(const std::vector<Parameter>& parameters, uint64_t seed) {
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : parameters) {
    const Rng rng(seed, parameter.name);
    auto* const data = parameter.value.mutable_data_ptr<float>();
    for (int64_t i = 0; i < parameter.value.numel(); ++i) {
      data[i] = (rng.uniform(static_cast<uint64_t>(i)) - 0.5F) * 0.25F;
    }
  }
}

// The case's adapter on its model.
inline std::vector<Parameter> attach_reference_adapter(const CausalLm& model, const Json& values) {
  const LoraConfig config = lora_config_of(values);
  std::vector<Parameter> parameters = attach_lora(
      lora_places(model.parameters(), config, UnmatchedTarget::kRefuse), config, /*seed=*/0);
  fill_reference_adapter(parameters, values.at("seed").get<uint64_t>());
  return parameters;
}

}  // namespace sft
