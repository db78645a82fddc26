#include "model/families.h"

#include <array>

#include "sft/core/error.h"
#include "sft/core/table.h"

namespace sft {

std::span<const ModelFamily> model_families() {
  static const std::array kFamilies = {
      gemma2_family(), llama_family(), mistral_family(), olmo_family(),
      olmo2_family(),  qwen2_family(), qwen3_family(),
  };
  return kFamilies;
}

const ModelFamily& find_family(std::string_view model_type, const std::string& where) {
  try {
    return find_entry(model_families(), "model_type", model_type);
  } catch (const UsageError& error) {
    // A model's own file is at fault, not the command line.
    throw Error(where + ": " + error.what());
  }
}

std::string_view transformers_class(std::string_view model_type) {
  return find_entry(model_families(), "model_type", model_type).class_name;
}

std::unique_ptr<CausalLm> make_model(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device) {
  return find_family(config.shape.model_type, "config.json").make(config, dtype, device);
}

}  // namespace sft
