#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sft/data/encoded_sample.h"
#include "sft/data/prepared_set.h"
#include "sft/data/prompt_parity.h"
#include "sft/estimate/train_config.h"
#include "sft/io/json.h"
#include "sft/text/template.h"

namespace sft {

// What data.json says of a run's data.
struct DataSummary {
  Template layout;
  PreparedSet set;
  std::vector<std::vector<std::string>> ids;  // of each dataset, in the order of the draw
  std::vector<std::vector<std::string>> validation_ids;  // of each validation dataset; or one list
                                                         // for the fraction that is held out
  TokenCounts training;                                  // under the run's own tokenizer
  TokenCounts validation;
};
// Throws as find_or_prepare_set does.
DataSummary summarize_data(const DataConfig& config, const TokenizerSource& own,
                           const PrepareOptions& options);

// What a run trains on.
struct PreparedData {
  DataSummary summary;
  std::vector<EncodedSample> training;    // dataset after dataset, in the order of the draw
  std::vector<EncodedSample> validation;  // never trained on; empty: none asked for
  ParityReport parity;                    // of the training samples

  std::vector<std::string> training_ids() const;
};
PreparedData prepare(const DataConfig& config, const TokenizerSource& own,
                     const PrepareOptions& options);

TokenCounts count_tokens(const std::vector<EncodedSample>& samples);

// The content of a run's data.json: counts read, dropped (by reason) and kept, the sampled ids,
// hashes of sources, recipes, template and tokenizers. The same data under the same config give the
// same bytes anywhere.
Json data_json(const DataConfig& config, const DataSummary& data);

}  // namespace sft
