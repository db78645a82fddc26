#pragma once

#include <string>

#include "sft/core/config_node.h"
#include "sft/estimate/train_config.h"

namespace sft {

// Reads the section into config.lora and config.init_from, as read_train_config says; config.method
// must be read. With method full it is only checked.
void read_lora_section(const ConfigNode& node, TrainConfig& config);

// The section with every key, as lines of YAML.
std::string lora_section_yaml(const TrainConfig& config);

}  // namespace sft
