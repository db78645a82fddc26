#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sft/data/prepared_set.h"

namespace sft {

// A dataset with the files it is read from.
struct DatasetInput {
  DatasetSpec spec;
  std::vector<DatasetFile> files;
  PreparedDataset summary;  // name, files and recipe; the rest is counted when it is read
};

// What a set is made from.
struct SetInputs {
  Template layout;
  std::vector<DatasetInput> datasets;
  std::vector<DatasetInput> validation_datasets;
  std::vector<TokenizerSource> tokenizers;  // each once, by hash
};

// Reads, measures, draws and holds out, and writes the set's files into `folder`, which is empty.
// Fills in `set.datasets`, `validation_datasets` and `lengths`. Throws as find_or_prepare_set does.
void build_set(const DataConfig& config, const SetInputs& inputs, const PrepareOptions& options,
               const std::filesystem::path& folder, PreparedSet& set);

}  // namespace sft
