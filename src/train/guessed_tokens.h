#pragma once

#include "sft/estimate/estimate.h"
#include "sft/estimate/train_config.h"
#include "sft/train/train_run.h"

namespace sft {

// How much a config's data are where there is no tokenizer to count tokens with: read, dropped and
// drawn as for a run, but for fits_tokenizers, with a token for each four bytes, which is about
// what vocabularies make of English as of Japanese. Where the data are not here either, it is what
// their recipes state (mean_tokens), with a warning; throws Error where that does not tell enough.
DataSize guess_data_size(const TrainConfig& config, const TrainRunOptions& options);

}  // namespace sft
