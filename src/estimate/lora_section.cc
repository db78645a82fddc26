// The section `lora` of a run's config.

#include "estimate/lora_section.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "estimate/yaml_writer.h"

#include "sft/core/log.h"

namespace sft {
namespace {

constexpr double kMostRank = 1 << 20;

// `all_linear`, or a list of names.
void read_targets(const ConfigNode& parent, LoraTargets& targets) {
  const ConfigNode node = parent.at("targets");
  if (node.is_null()) {
    return;
  }
  std::vector<std::string> names;
  node.get(names);
  const bool is_all = names == std::vector<std::string>{"all_linear"} ||
                      names == std::vector<std::string>{"all-linear"};
  if (is_all) {
    targets = {};
    return;
  }
  if (names.empty() || std::ranges::find(names, "") != names.end()) {
    node.fault("'lora.targets' must be all_linear or a list of names: [q_proj, v_proj]");
    return;
  }
  std::ranges::sort(names);
  targets = {.is_all_linear = false, .names = std::move(names), .pattern = {}};
}

std::string shown_targets(const LoraTargets& targets) {
  if (targets.is_all_linear) {
    return "all_linear";
  }
  return targets.pattern.empty() ? yaml_list(targets.names) : targets.pattern;
}

// The adapter that is continued decides; what the config asks for must be the same. Whether
// all_linear and a list of names are the same is seen when the adapter is read.
void merge_init(const ConfigNode& node, const LoraConfig& init, LoraConfig& lora) {
  const auto differs = [&](const char* key, const std::string& asked, const std::string& there) {
    if (!node.at(key).is_null() && asked != there) {
      node.at(key).fault(std::string("'lora.") + key + "' is " + asked +
                         ", the adapter in lora.init_from has " + there + "; leave it out");
    }
  };
  differs("rank", yaml_scalar(lora.rank), yaml_scalar(init.rank));
  differs("alpha", yaml_scalar(lora.alpha), yaml_scalar(init.alpha));
  const bool is_open = lora.targets.is_all_linear || init.targets.is_all_linear;
  if (!is_open) {
    differs("targets", shown_targets(lora.targets), shown_targets(init.targets));
  }
  const bool keeps_targets = is_open && !node.at("targets").is_null();
  const LoraTargets targets = keeps_targets ? lora.targets : init.targets;
  const double dropout = lora.dropout;
  lora = init;
  lora.dropout = dropout;
  lora.targets = targets;
}

}  // namespace

void read_lora_section(const ConfigNode& node, TrainConfig& config) {
  LoraConfig& lora = config.lora;
  node.read("rank", lora.rank, {.min = 1, .max = kMostRank});
  node.read("alpha", lora.alpha, {.min = 0});
  node.read("dropout", lora.dropout, {.min = 0, .max = 1});
  if (lora.dropout == 1) {
    node.at("dropout").fault("'lora.dropout' is 1, must be below 1");
  }
  read_targets(node, lora.targets);
  std::string init_from;
  node.read("init_from", init_from);
  node.finish();
  if (config.method == Method::kFull) {
    // A full config has this section too.
    if (!node.is_null()) {
      spdlog::warn("[config] {}: 'lora' is not used with method full", node.where());
    }
    config.lora = {};
    return;
  }
  if (!init_from.empty()) {
    config.init_from = init_from;
    merge_init(node, read_adapter_config(config.init_from).lora, lora);
  }
}

std::string lora_section_yaml(const TrainConfig& config) {
  const LoraConfig& lora = config.lora;
  const std::string targets = lora.targets.pattern.empty() ? shown_targets(lora.targets)
                                                           : yaml_scalar(lora.targets.pattern);
  const std::string init_from =
      config.init_from.empty() ? "" : " " + yaml_scalar(config.init_from.string());
  return "lora:\n  rank: " + yaml_scalar(lora.rank) + "\n  alpha: " + yaml_scalar(lora.alpha) +
         "\n  dropout: " + yaml_scalar(lora.dropout) + "\n  targets: " + targets +
         "\n  init_from:" + init_from + "\n";
}

}  // namespace sft
