#pragma once

#include "cli/command.h"

#include "sft/data/prepared_set.h"
#include "sft/estimate/train_config.h"

namespace sft {

// How commands get at the data that a config names: where datasets and tokenizers are found, and
// what is said while rows are read.
PrepareOptions data_options(const TrainConfig& config, const CommonOptions& common);

// The tokenizer of the config's model.
TokenizerSource own_tokenizer(const TrainConfig& config);

}  // namespace sft
