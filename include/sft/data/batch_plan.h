#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sft/data/encoded_sample.h"
#include "sft/estimate/train_config.h"

namespace sft {

// Which samples make which optimizer step: a function of (train.seed, epoch, sample ids) alone.
// Ranks and micro-batches only divide them.
class BatchPlan {
 public:
  // What of the config decides it.
  struct Options {
    int64_t seed = 42;        // train.seed
    int64_t batch_size = 32;  // samples in a step
    LastBatch last_batch = LastBatch::kKeep;
    bool shuffle = true;  // data.shuffle; false: the samples' own order, in every epoch
  };
  BatchPlan(Options options, std::vector<std::string> ids);

  int64_t steps_per_epoch() const;
  // The samples (places in `ids`) of each step of epoch `epoch`, counted from 1.
  std::vector<std::vector<size_t>> epoch(int64_t epoch) const;

 private:
  Options options_;
  std::vector<std::string> ids_;
};

// Divides a step's samples into micro-batches of at most `max_tokens` tokens, in their order and
// whole; each is filled as far as it goes. A sample longer than that is one of its own.
std::vector<std::vector<const EncodedSample*>> split_micro_batches(
    std::span<const EncodedSample* const> samples, int64_t max_tokens);

}  // namespace sft
