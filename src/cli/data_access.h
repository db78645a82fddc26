#pragma once

#include <string>

#include "cli/command.h"

#include "sft/data/prepared_set.h"
#include "sft/estimate/train_config.h"

namespace sft {

// What the verbs of `sft data` work on: the config, and how to get at the data that it names.
struct DataAccess {
  TrainConfig config;
  TokenizerSource own;  // of the config's model
  PrepareOptions options;
};

// Reads the config; fetches from the hub what it names there (of models only the tokenizers).
// Throws as load_train_config and the hub do.
DataAccess open_data(const std::string& config, const CommonOptions& common);

}  // namespace sft
