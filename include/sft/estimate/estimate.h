#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sft/estimate/machine.h"
#include "sft/estimate/model_shape.h"
#include "sft/estimate/train_config.h"
#include "sft/io/json.h"

namespace sft {

// Optimizer steps in an epoch: ceil(samples / batch_size), floor where the smaller last batch is
// dropped.
int64_t steps_per_epoch(int64_t samples, int64_t batch_size, LastBatch last_batch);

// The run's data, counted (or guessed from recipes' mean_tokens).
struct DataSize {
  int64_t samples = 0;
  double mean_tokens = 0;  // of a sample
  double mean_response_tokens = 0;
  int64_t max_tokens = 0;
};

// How the trainer will do it.
struct TrainingMethod {
  int64_t micro_batch_tokens = 0;   // packed tokens of one forward and backward pass
  int64_t logits_chunk_tokens = 0;  // targets whose logits are held at a time
  bool is_recomputing = false;      // activation checkpointing: only layers' inputs are kept
  double flops_per_second = 0;      // measured, or assumed
  int64_t adapter_parameters = 0;   // trained while the model is frozen; 0: the model is trained
  bool is_rate_measured = false;
};

struct EstimatePart {
  std::string name;
  uint64_t bytes = 0;
};

struct Estimate {
  int64_t parameters = 0;  // of the model
  int64_t trained_parameters = 0;
  int64_t samples = 0;
  int64_t tokens = 0;  // over all epochs
  int64_t response_tokens = 0;
  int64_t steps = 0;
  int64_t steps_per_epoch = 0;
  std::vector<EstimatePart> memory;  // at its peak
  uint64_t memory_bytes = 0;
  std::vector<EstimatePart> disk;  // at its peak
  uint64_t disk_bytes = 0;
  double flops = 0;
  double seconds = 0;
  bool is_rate_measured = false;
  Machine machine;

  bool fits_memory() const { return memory_bytes <= machine.available_memory_bytes; }
  bool fits_disk() const { return disk_bytes <= machine.free_disk_bytes; }
};

// Arithmetic of training on so many tokens, recomputing left out: forward once, backward twice; of
// a frozen model backward once, since its weights get no gradients.
struct TokenWork {
  int64_t tokens = 0;
  int64_t response_tokens = 0;
  double mean_tokens = 0;  // of a sample
};
double training_flops(const ModelShape& shape, int64_t adapter_parameters, const TokenWork& work);

// What the run will need, from these numbers alone.
Estimate estimate_run(const TrainConfig& config, const ModelShape& shape, const DataSize& data,
                      const TrainingMethod& method, const Machine& machine);

// What `sft train --plan` prints: a table for people, or an object for machines.
std::string estimate_text(const Estimate& estimate);
Json estimate_json(const Estimate& estimate);

}  // namespace sft
