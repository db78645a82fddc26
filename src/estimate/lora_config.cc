// PEFT's adapter_config.json: one object; each of its keys is read, known to decide nothing here,
// or must have the value that switches its feature off.

#include "sft/estimate/lora_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace {

constexpr int64_t kMostRank = int64_t{1} << 20;

// What these say is in the adapter's tensors, or is for those who train or serve it with PEFT.
constexpr std::array kPassedOver = {"auto_mapping",      "base_model_name_or_path",
                                    "corda_config",      "ensure_weight_tying",
                                    "eva_config",        "inference_mode",
                                    "loftq_config",      "lora_ga_config",
                                    "megatron_core",     "peft_version",
                                    "qalora_group_size", "revision",
                                    "runtime_config",    "task_type"};
constexpr std::array kRead = {
    "alpha_pattern", "bias", "init_lora_weights", "lora_alpha",     "lora_dropout",
    "peft_type",     "r",    "rank_pattern",      "target_modules", "use_rslora"};
// Ways to begin that leave the base's weights as they are.
constexpr std::array kInitializations = {"eva", "gaussian", "orthogonal"};

template <size_t kSize>
bool is_one_of(const std::array<const char*, kSize>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// null, false, {}, [] and "" switch a feature off.
bool is_off(const Json& value) {
  return value.is_null() || value == false || (value.is_structured() && value.empty()) ||
         (value.is_string() && value.get_ref<const std::string&>().empty());
}

std::string shown(const Json& value) {
  constexpr size_t kMostShown = 60;
  std::string text = dump_json(value, JsonLayout::kCompact);
  if (text.size() > kMostShown) {
    text = text.substr(0, kMostShown) + "...";
  }
  return text;
}

[[noreturn]] void refuse(const std::string& where, const std::string& key, const Json& value) {
  throw Error(fmt::format("{}: {} {} is not supported; plain LoRA on linear layers is", where, key,
                          shown(value)));
}

void check_features(const Json& json, const std::string& where) {
  const auto kind = json_member<std::string>(json, "peft_type", where);
  if (kind != "LORA") {
    refuse(where, "peft_type", kind);
  }
  if (json.contains("bias") && json.at("bias") != "none" && !is_off(json.at("bias"))) {
    refuse(where, "bias", json.at("bias"));
  }
  if (json.contains("init_lora_weights")) {
    const Json& init = json.at("init_lora_weights");
    const bool is_kept = init.is_null() || init.is_boolean() ||
                         (init.is_string() && is_one_of(kInitializations, init.get<std::string>()));
    if (!is_kept) {
      refuse(where, "init_lora_weights", init);
    }
  }
  for (const auto& [key, value] : json.get_ref<const Json::object_t&>()) {
    if (!is_one_of(kRead, key) && !is_one_of(kPassedOver, key) && !is_off(value)) {
      refuse(where, key, value);
    }
  }
}

int64_t checked_rank(int64_t rank, const std::string& what) {
  if (rank < 1 || rank > kMostRank) {
    throw Error(fmt::format("{} is {}, must be from 1 to {}", what, rank, kMostRank));
  }
  return rank;
}

double checked_alpha(double alpha, const std::string& what) {
  if (!std::isfinite(alpha)) {
    throw Error(what + " is no finite number");
  }
  return alpha;
}

LoraTargets read_targets(const Json& json, const std::string& where) {
  LoraTargets targets;
  const Json value = json_member<Json>(json, "target_modules", where);
  if (value == "all-linear") {
    return targets;
  }
  targets.is_all_linear = false;
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) {
    targets.pattern = value.get<std::string>();
    return targets;
  }
  if (!value.is_array() || value.empty()) {
    throw Error(fmt::format("{}: target_modules is {}, must be a list of names or a text", where,
                            shown(value)));
  }
  for (const Json& name : value) {
    if (!name.is_string()) {
      throw Error(fmt::format("{}: target_modules holds {}, must hold names", where, shown(name)));
    }
    targets.names.push_back(name.get<std::string>());
  }
  std::ranges::sort(targets.names);  // PEFT writes a set, in any order
  return targets;
}

// The members of an object of numbers, in the file's order.
template <typename Number>
std::vector<std::pair<std::string, Number>> read_pattern(const Json& json, const std::string& key,
                                                         const std::string& where) {
  std::vector<std::pair<std::string, Number>> pattern;
  if (!json.contains(key) || json.at(key).is_null()) {
    return pattern;
  }
  const Json& value = json.at(key);
  if (!value.is_object()) {
    throw Error(fmt::format("{}: {} is {}, must be an object", where, key, shown(value)));
  }
  const std::string place = fmt::format("{}: {}", where, key);
  for (const auto& [name, number] : value.get_ref<const Json::object_t&>()) {
    pattern.emplace_back(name, json_member<Number>(value, name, place));
  }
  return pattern;
}

// A whole number is written as one, as PEFT does.
Json number_json(double value) {
  constexpr double kExact = 9e15;
  if (std::abs(value) < kExact && value == std::floor(value)) {
    return static_cast<int64_t>(value);
  }
  return value;
}

Json targets_json(const LoraTargets& targets) {
  if (targets.is_all_linear) {
    return "all-linear";
  }
  return targets.pattern.empty() ? Json(targets.names) : Json(targets.pattern);
}

}  // namespace

AdapterConfig parse_adapter_config(const Json& json, const std::string& where) {
  if (!json.is_object()) {
    throw Error(where + ": must hold a JSON object");
  }
  check_features(json, where);
  AdapterConfig config;
  LoraConfig& lora = config.lora;
  lora.rank = checked_rank(json_member<int64_t>(json, "r", where), where + ": r");
  lora.alpha =
      checked_alpha(json_member<double>(json, "lora_alpha", where), where + ": lora_alpha");
  if (json.contains("lora_dropout") && !json.at("lora_dropout").is_null()) {
    lora.dropout = json_member<double>(json, "lora_dropout", where);
    if (!(lora.dropout >= 0 && lora.dropout < 1)) {
      throw Error(fmt::format("{}: lora_dropout is {}, must be at least 0 and below 1", where,
                              format_shortest(lora.dropout)));
    }
  }
  lora.targets = read_targets(json, where);
  lora.is_rank_stabilized =
      json.contains("use_rslora") && json_member<bool>(json, "use_rslora", where);
  lora.rank_pattern = read_pattern<int64_t>(json, "rank_pattern", where);
  lora.alpha_pattern = read_pattern<double>(json, "alpha_pattern", where);
  for (const auto& [name, rank] : lora.rank_pattern) {
    checked_rank(rank, fmt::format("{}: rank_pattern '{}'", where, name));
  }
  for (const auto& [name, alpha] : lora.alpha_pattern) {
    checked_alpha(alpha, fmt::format("{}: alpha_pattern '{}'", where, name));
  }
  if (json.contains("base_model_name_or_path") && !json.at("base_model_name_or_path").is_null()) {
    config.base_model = json_member<std::string>(json, "base_model_name_or_path", where);
  }
  return config;
}

AdapterConfig read_adapter_config(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kAdapterConfigFile;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    throw Error(path.string() + ": no such file; an adapter is a folder with adapter_config.json " +
                "and adapter_model.safetensors");
  }
  return parse_adapter_config(read_json(path), path.string());
}

Json adapter_config_json(const AdapterConfig& config) {
  const LoraConfig& lora = config.lora;
  Json ranks = Json::object();
  for (const auto& [name, rank] : lora.rank_pattern) {
    ranks[name] = rank;
  }
  Json alphas = Json::object();
  for (const auto& [name, alpha] : lora.alpha_pattern) {
    alphas[name] = number_json(alpha);
  }
  return {{"alpha_pattern", alphas},
          {"auto_mapping", nullptr},
          {"base_model_name_or_path",
           config.base_model.empty() ? Json(nullptr) : Json(config.base_model)},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"layers_pattern", nullptr},
          {"layers_to_transform", nullptr},
          {"lora_alpha", number_json(lora.alpha)},
          {"lora_dropout", lora.dropout},
          {"modules_to_save", nullptr},
          {"peft_type", "LORA"},
          {"r", lora.rank},
          {"rank_pattern", ranks},
          {"revision", nullptr},
          {"target_modules", targets_json(lora.targets)},
          {"task_type", "CAUSAL_LM"},
          {"use_dora", false},
          {"use_rslora", lora.is_rank_stabilized}};
}

}  // namespace sft
