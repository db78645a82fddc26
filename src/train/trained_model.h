#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "sft/estimate/train_config.h"
#include "sft/io/json.h"
#include "sft/model/causal_lm.h"

namespace sft {

// Writes one checkpoint, a whole folder: `weights` are the masters of what is trained; sft.json
// gets their hash. Throws Error where `folder` exists.
using WriteCheckpoint = std::function<void(const std::filesystem::path& folder,
                                           const std::vector<Parameter>& weights, Json sft_json)>;

// A model made ready for training: the one place where the methods differ.
struct TrainedModel {
  std::unique_ptr<CausalLm> model;
  std::vector<Parameter> trained;   // of the model (or attached to it), what the optimizer changes
  std::vector<at::Tensor> masters;  // their float32 values, in the same order
  std::string base_sha256;          // of the model's weights as they came
  Json origin;                      // what sft.json says of the method
  WriteCheckpoint write;
};

// The type that a run computes in.
at::ScalarType compute_type(const TrainConfig& config);

// Reads the weights of config.model (and of config.init_from). Throws Error, and UsageError for
// targets that the model does not have.
TrainedModel load_trained_model(const TrainConfig& config, const ModelConfig& model_config);

// How many numbers an adapter of this run has; 0 where the model itself is trained. Reads no
// weights; throws UsageError for targets that the model does not have.
int64_t count_adapter_parameters(const TrainConfig& config, const ModelConfig& model_config);

}  // namespace sft
