#include "model/families.h"

#include <array>

#include "sft/core/error.h"
#include "sft/core/table.h"

namespace sft {

std::span<const ModelFamily> model_families() {
  static constexpr std::array kFamilies = {
      ModelFamily{"llama", make_llama},
  };
  return kFamilies;
}

std::unique_ptr<CausalLm> make_model(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device) {
  try {
    const ModelFamily& family =
        find_entry(model_families(), "model family", config.shape.model_type);
    return family.make(config, dtype, device);
  } catch (const UsageError& error) {
    // A model's own file is at fault, not the command line.
    throw Error(std::string("config.json: model_type: ") + error.what());
  }
}

}  // namespace sft
