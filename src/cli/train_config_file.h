#pragma once

#include <string>
#include <vector>

#include "sft/estimate/train_config.h"

namespace sft {

// The config of `sft train`, which `sft data` reads too: a path, or a name in ./configs or the
// installed configs, with --set's overrides. Throws UsageError with all faults.
TrainConfig load_train_config(const std::string& name, const std::vector<std::string>& overrides);

}  // namespace sft
