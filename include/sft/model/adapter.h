#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sft/estimate/lora_config.h"
#include "sft/io/json.h"
#include "sft/model/lora.h"
#include "sft/model/parameters.h"

namespace sft {

// An adapter on disk, in PEFT's layout: adapter_config.json, adapter_model.safetensors and, where
// sft wrote it, sft.json, which knows the base's weights by their hash:
//   {"base": {"name": ..., "weights_sha256": ...}, "adapter_sha256": ..., "template": ..., ...}
inline constexpr const char* kAdapterWeightsFile = "adapter_model.safetensors";

// What a folder says of an adapter, less its tensors.
struct AdapterFolder {
  std::filesystem::path path;
  AdapterConfig config;
  std::string base_name;    // in sft.json; "" where it has none
  std::string base_sha256;  // the base's weights_sha256 in sft.json; "" where it has none
};

// Whether a folder is an adapter's, and no whole model's.
bool is_adapter_folder(const std::filesystem::path& folder);

// Throws Error where a file is missing or broken, or asks for what is not supported.
AdapterFolder read_adapter_folder(const std::filesystem::path& folder);

// The base's name in adapter_config.json, else in sft.json; "" where there is none.
std::string base_name_of(const AdapterFolder& adapter);

// The folder of the base: its name as a path from here, or from a folder above the adapter's. None
// where no model is there.
std::optional<std::filesystem::path> find_base(const AdapterFolder& adapter);

// Throws Error where the adapter was trained on other weights than those of this hash; warns where
// it does not say, since shapes alone tell then. `base` names the model in messages.
void check_base(const AdapterFolder& adapter, const std::string& base,
                const std::string& base_sha256);

// An adapter's tensors, attached to a model.
struct LoadedAdapter {
  std::vector<Parameter> parameters;  // float32, under PEFT's names
  std::string sha256;                 // weights_sha256 of adapter_model.safetensors
};

// Attaches the adapter's own tensors, widened to float32, at the places that `config` (the
// adapter's own, or one that targets the same layers) means. Throws Error that names the file and
// the tensor for: one that is missing, one that is no place's, another shape, NaN or infinite
// values. `seed` is dropout's.
LoadedAdapter load_adapter(const ParameterSet& model, const AdapterFolder& adapter,
                           const LoraConfig& config, uint64_t seed);

// Writes adapter_config.json and adapter_model.safetensors (float32) into `folder`, which exists.
// Targets that are all linear layers are written by their names, as PEFT does. Throws Error for NaN
// or infinite values. Returns the tensors' weights_sha256.
std::string write_adapter(const std::filesystem::path& folder, AdapterConfig config,
                          const std::vector<Parameter>& parameters);

}  // namespace sft
