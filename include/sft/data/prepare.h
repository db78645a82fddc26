#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sft/data/dataset.h"
#include "sft/data/encoded_sample.h"
#include "sft/estimate/estimate.h"
#include "sft/estimate/train_config.h"
#include "sft/io/json.h"
#include "sft/text/template.h"
#include "sft/text/tokenizer.h"

namespace sft {

// A dataset's way into a run.
struct PreparedDataset {
  std::string name;
  std::vector<SourceFile> files;
  int64_t rows = 0;
  DropCounts dropped;
  int64_t kept = 0;              // rows less the dropped
  std::vector<std::string> ids;  // drawn of these, in the order of the draw
};

// Numbers of a set of samples.
struct TokenCounts {
  int64_t samples = 0;
  int64_t tokens = 0;
  int64_t targets = 0;
  int64_t max_tokens = 0;

  DataSize data_size() const;
};

// What a run trains on.
struct PreparedData {
  Template layout;
  std::vector<PreparedDataset> datasets;
  std::vector<EncodedSample> training;  // dataset after dataset, in the order of the draw
  std::vector<PreparedDataset> validation_datasets;  // of data.validation.datasets
  std::vector<EncodedSample> validation;             // never trained on; empty: none asked for

  std::vector<std::string> training_ids() const;
};

TokenCounts count_tokens(const std::vector<EncodedSample>& samples);

struct PrepareOptions {
  LossTarget loss_on = LossTarget::kResponse;
  int threads = 1;  // changes the time alone
  // Gives the tokenizer that an entry of data.fits_tokenizers names.
  std::function<std::unique_ptr<Tokenizer>(const std::string& name)> load_tokenizer =
      [](const std::string& name) { return sft::load_tokenizer(name); };
  FetchDataset fetch = no_hub;
};

// Reads the datasets, maps their rows, drops what the recipes say and what is longer than
// max_length under `tokenizer` (the run's own) or one of fits_tokenizers, draws `samples` of each
// dataset, and holds out the validation samples. Of validation datasets all samples are taken but
// those that are trained on. Throws UsageError for a recipe's faults and unknown names, Error for
// files, for more samples than there are, and where none is left.
PreparedData prepare(const DataConfig& config, const Tokenizer& tokenizer,
                     const PrepareOptions& options);

// The content of a run's data.json: counts read, dropped (by reason) and kept, the sampled ids,
// hashes of the sources. The same data under the same config gives the same bytes anywhere.
Json data_json(const DataConfig& config, const PreparedData& data);

}  // namespace sft
