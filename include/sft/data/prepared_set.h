#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sft/core/resources.h"
#include "sft/data/dataset.h"
#include "sft/estimate/estimate.h"
#include "sft/estimate/train_config.h"
#include "sft/text/template.h"
#include "sft/text/tokenizer.h"

namespace sft {

// A prepared set: the samples that a `data:` section draws, as text, the same for all models. It
// lies in $SFT_HOME/data/<hash>/, where the hash is over everything that decides it: the sources'
// bytes, the recipes, samples, seed, shuffle, validation, the template, max_length, and the files
// of the tokenizers that samples must fit (in any order). So any later run with the same ones finds
// it.
//   train.jsonl       a sample a line, dataset after dataset in the order of the draw:
//                     {"id", "turns": [[instruction, response], ...], "dataset", "source"}
//   validation.jsonl  the samples held out, where there are any; with a fraction held out, each
//   also
//                     has "place", its place in its dataset's draw
//   set.json          what the hash is over, counts, and lengths under each tokenizer

// A tokenizer by which samples are measured. It is loaded only where a set has to be made.
struct TokenizerSource {
  std::string name;    // as the config has it
  std::string sha256;  // of its files: tokenizer_sha256
  std::function<std::shared_ptr<const Tokenizer>()> load;
};
// One that lies in the folder (or file) `path`. Throws Error where there is none.
TokenizerSource tokenizer_source(const std::string& name, const std::filesystem::path& path);

// How long the samples of a set are under a tokenizer.
struct TokenCounts {
  int64_t samples = 0;
  int64_t tokens = 0;
  int64_t targets = 0;
  int64_t max_tokens = 0;
  std::array<int64_t, 32> by_length = {};  // [n]: samples of 2^(n-1) to 2^n - 1 tokens

  void add(int64_t sample_tokens, int64_t sample_targets);
  DataSize data_size() const;
};

struct SourceFile {
  std::string name;  // as the recipe has it
  uint64_t bytes = 0;
  std::string sha256;
};

// A dataset's way into a set.
struct PreparedDataset {
  std::string name;
  std::string recipe_sha256;  // of the recipe's part in it: layout, rules, format
  std::vector<SourceFile> files;
  int64_t rows = 0;
  DropCounts dropped;
  std::map<DropReason, std::vector<std::string>> dropped_examples;  // the first sources of each
  int64_t kept = 0;                                                 // rows less the dropped
  int64_t sampled = 0;
};

// Lengths under the tokenizer whose files have this hash, the loss taken on responses.
struct SetLengths {
  std::string tokenizer_sha256;
  TokenCounts training;
  TokenCounts validation;
};

struct PreparedSet {
  std::string sha256;  // its name
  std::filesystem::path folder;
  bool is_new = false;  // made by this call
  std::vector<PreparedDataset> datasets;
  std::vector<PreparedDataset> validation_datasets;  // of data.validation.datasets
  std::vector<SetLengths> lengths;                   // by hash

  std::filesystem::path training() const { return folder / "train.jsonl"; }
  std::filesystem::path validation() const { return folder / "validation.jsonl"; }
  // Throws Error where the set was not measured by it.
  const SetLengths& lengths_of(const std::string& tokenizer_sha256) const;
};

struct PrepareOptions {
  LossTarget loss_on = LossTarget::kResponse;
  int threads = 1;  // changes the time alone
  std::filesystem::path home = sft_home();
  // What an entry of data.fits_tokenizers means.
  std::function<TokenizerSource(const std::string& name)> find_tokenizer =
      [](const std::string& name) { return tokenizer_source(name, name); };
  FetchDataset fetch = no_hub;
  // Told for each row how many of its dataset have been read. What it throws ends the preparing.
  std::function<void(const std::string& dataset, int64_t rows)> on_rows = {};
};

// Finds the set that `config` describes for a run with the tokenizer `own`, or makes it: reads the
// datasets, maps their rows, drops what the recipes say and what is longer than max_length under
// `own` or one of fits_tokenizers, draws `samples` of each, and holds out the validation samples.
// Of validation datasets all samples are taken but those that are trained on. Memory does not grow
// with the texts: they are on disk from the moment they are measured. Throws UsageError for a
// recipe's faults and unknown names, Error for files, for a tokenizer that is not there, for more
// samples than there are, and where none is left; then nothing is left behind.
PreparedSet find_or_prepare_set(const DataConfig& config, const TokenizerSource& own,
                                const PrepareOptions& options);

// A line of train.jsonl or validation.jsonl.
std::string sample_line(const Sample& sample);
Sample parse_sample_line(const Json& line, const std::string& where);

}  // namespace sft
