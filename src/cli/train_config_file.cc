#include "cli/train_config_file.h"

#include "sft/core/config_node.h"
#include "sft/core/resources.h"

namespace sft {

TrainConfig load_train_config(const std::string& name, const std::vector<std::string>& overrides) {
  const ConfigNode root = ConfigNode::load(find_config("config", "", name), overrides);
  TrainConfig config = read_train_config(root);
  root.check();
  return config;
}

}  // namespace sft
