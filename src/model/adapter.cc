#include "sft/model/adapter.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "model/weight_sources.h"

#include "sft/core/error.h"
#include "sft/io/safetensors.h"
#include "sft/model/weights.h"

namespace sft {
namespace fs = std::filesystem;
namespace {

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string member_or_empty(const Json& object, const std::string& key, const std::string& where) {
  return object.contains(key) && !object.at(key).is_null()
             ? json_member<std::string>(object, key, where)
             : "";
}

// What sft.json says of the base, where there is one.
void read_origin(AdapterFolder& adapter) {
  const fs::path path = adapter.path / "sft.json";
  if (!is_there(path)) {
    return;
  }
  const Json json = read_json(path);
  if (!json.is_object() || !json.contains("base")) {
    return;
  }
  const Json base = json_member<Json>(json, "base", path.string());
  if (!base.is_object()) {
    throw Error(path.string() + ": 'base' must be an object");
  }
  adapter.base_name = member_or_empty(base, "name", path.string() + ": base");
  adapter.base_sha256 = member_or_empty(base, "weights_sha256", path.string() + ": base");
}

fs::path weights_path(const AdapterFolder& adapter) {
  const fs::path path = adapter.path / kAdapterWeightsFile;
  if (!is_there(path) && is_there(adapter.path / "adapter_model.bin")) {
    throw Error(fmt::format("{}: has adapter_model.bin but no {}; save the adapter as safetensors",
                            adapter.path.string(), kAdapterWeightsFile));
  }
  return path;
}

// A place's matrices as the file must have them.
std::map<std::string, std::vector<int64_t>> expected_shapes(const std::vector<LoraPlace>& places) {
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const LoraPlace& place : places) {
    shapes[lora_a_name(*place.site)] = {place.rank, place.site->weight.size(1)};
    shapes[lora_b_name(*place.site)] = {place.site->weight.size(0), place.rank};
  }
  return shapes;
}

void check_tensors(const SafetensorsFile& file,
                   const std::map<std::string, std::vector<int64_t>>& shapes) {
  for (const auto& [name, view] : file.tensors()) {
    const std::string where = file.path().string() + ": " + name;
    const auto expected = shapes.find(name);
    if (expected == shapes.end()) {
      throw Error(where +
                  ": no adapter of a linear layer that adapter_config.json targets in this model; "
                  "is this the right base?");
    }
    if (view.shape != expected->second) {
      throw Error(
          fmt::format("{}: shape [{}] in the file, [{}] by adapter_config.json and the "
                      "model; is this the right base?",
                      where, fmt::join(view.shape, ", "), fmt::join(expected->second, ", ")));
    }
    scalar_type_of(view.dtype, where);
    check_finite(view, where);
  }
  for (const auto& [name, shape] : shapes) {
    if (!file.tensors().contains(name)) {
      throw Error(fmt::format("{}: {} is missing, adapter_config.json asks for it with shape [{}]",
                              file.path().string(), name, fmt::join(shape, ", ")));
    }
  }
}

at::Tensor widened(const SafetensorsFile& file, const std::string& name) {
  // A copy in any case: the file is not kept mapped.
  return as_tensor(file.tensors().at(name), name)
      .to(at::kFloat, /*non_blocking=*/false,
          /*copy=*/true);
}

// The targets as PEFT writes them: names, not "all-linear".
LoraTargets named_targets(const LoraTargets& targets, const std::vector<Parameter>& parameters) {
  if (!targets.is_all_linear) {
    return targets;
  }
  std::set<std::string> names;
  for (const Parameter& parameter : parameters) {
    // "...<name>.lora_A.weight"
    const std::string path = parameter.name.substr(0, parameter.name.rfind(".lora_"));
    names.insert(path.substr(path.rfind('.') + 1));
  }
  return {.is_all_linear = false, .names = {names.begin(), names.end()}, .pattern = {}};
}

}  // namespace

bool is_adapter_folder(const fs::path& folder) {
  return is_there(folder / kAdapterConfigFile) && !is_there(folder / "model.safetensors") &&
         !is_there(folder / "model.safetensors.index.json");
}

AdapterFolder read_adapter_folder(const fs::path& folder) {
  AdapterFolder adapter;
  adapter.path = folder;
  adapter.config = read_adapter_config(folder);
  read_origin(adapter);
  return adapter;
}

std::string base_name_of(const AdapterFolder& adapter) {
  return adapter.config.base_model.empty() ? adapter.base_name : adapter.config.base_model;
}

std::optional<fs::path> find_base(const AdapterFolder& adapter) {
  for (const std::string& name : {adapter.config.base_model, adapter.base_name}) {
    if (name.empty()) {
      continue;
    }
    if (is_there(fs::path(name) / "config.json")) {
      return name;
    }
    if (fs::path(name).is_absolute()) {
      continue;
    }
    // The run may have been started in a folder above the adapter.
    fs::path above = fs::absolute(adapter.path).lexically_normal();
    while (above.has_relative_path()) {
      above = above.parent_path();
      if (is_there(above / name / "config.json")) {
        return above / name;
      }
    }
  }
  return std::nullopt;
}

void check_base(const AdapterFolder& adapter, const std::string& base,
                const std::string& base_sha256) {
  if (adapter.base_sha256.empty()) {
    spdlog::warn(
        "[model] {}: does not say which weights it was trained on; {} was checked by its "
        "shapes alone",
        adapter.path.string(), base);
    return;
  }
  if (adapter.base_sha256 != base_sha256) {
    throw Error(
        fmt::format("{}: was trained on a base with weights_sha256 {}, {} has {}; give the "
                    "base it was trained on",
                    adapter.path.string(), adapter.base_sha256, base, base_sha256));
  }
}

LoadedAdapter load_adapter(const ParameterSet& model, const AdapterFolder& adapter,
                           const LoraConfig& config, uint64_t seed) {
  std::vector<LoraPlace> places;
  try {
    places = lora_places(model, config, UnmatchedTarget::kPass);
  } catch (const UsageError& error) {
    // The adapter's own file is at fault, not the command line.
    throw Error((adapter.path / kAdapterConfigFile).string() + ": " + error.what());
  }
  const SafetensorsFile file(weights_path(adapter));
  check_tensors(file, expected_shapes(places));
  LoadedAdapter loaded;
  for (const LoraPlace& place : places) {
    LinearSite& site = *place.site;
    SFT_CHECK(!site.lora.has_value());
    const at::Device device = site.weight.device();
    site.lora = {.a = widened(file, lora_a_name(site)).to(device),
                 .b = widened(file, lora_b_name(site)).to(device),
                 .scale = place.scale,
                 .dropout = config.dropout,
                 .seed = seed};
    loaded.parameters.push_back({.name = lora_a_name(site), .value = site.lora->a});
    loaded.parameters.push_back({.name = lora_b_name(site), .value = site.lora->b});
  }
  loaded.sha256 = weights_sha256(file.tensors());
  return loaded;
}

std::string write_adapter(const fs::path& folder, AdapterConfig config,
                          const std::vector<Parameter>& parameters) {
  config.lora.targets = named_targets(config.lora.targets, parameters);
  write_safetensors(folder / kAdapterWeightsFile, weight_sources(parameters, DType::kF32));
  write_file(folder / kAdapterConfigFile,
             dump_json(adapter_config_json(config), JsonLayout::kIndented));
  return weights_sha256(SafetensorsFile(folder / kAdapterWeightsFile).tensors());
}

}  // namespace sft
