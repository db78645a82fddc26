#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sft/core/config_node.h"
#include "sft/estimate/lora_config.h"

namespace sft {

// The config of `sft train` (see configs/*.yaml): plain structs, read once by read_train_config.

struct ValidationConfig {
  std::vector<std::string> datasets;  // held-out sets, or
  double fraction = 0;                // this part of the training samples; both empty: none
};

struct DataConfig {
  std::vector<std::string> datasets;  // names in configs/datasets, or paths of dataset files
  int64_t samples = 0;                // per dataset; 0: all
  bool samples_at_most = false;       // key `samples: {at_most: N}`: where fewer fit, these
  int64_t seed = 42;
  bool shuffle = true;
  std::string layout = "question_answer";  // key `template`: a name in configs/templates, or a path
  ValidationConfig validation;
  int64_t max_length = 2048;  // tokens, BOS and EOS counted
  std::vector<std::string> fits_tokenizers;
};

enum class Method { kFull, kLora };
enum class Schedule { kConstant, kCosine, kLinear };
enum class Precision { kBf16, kFloat32 };
enum class Checkpointing { kAuto, kOn, kOff };
enum class LossTarget { kResponse, kAll };
enum class LastBatch { kKeep, kDrop };

struct OptimizationConfig {
  int64_t epochs = 10;
  int64_t max_steps = 0;
  int64_t batch_size = 32;
  double learning_rate = 1e-5;
  Schedule schedule = Schedule::kCosine;
  double warmup_ratio = 0;
  double weight_decay = 0;
  std::pair<double, double> adam_betas = {0.9, 0.999};
  double adam_eps = 1e-8;
  double max_grad_norm = 1;
  Precision precision = Precision::kBf16;
  Checkpointing activation_checkpointing = Checkpointing::kAuto;
  LossTarget loss_on = LossTarget::kResponse;
  LastBatch last_batch = LastBatch::kKeep;
  int64_t seed = 42;
};

struct CheckpointConfig {
  enum class Save { kEachEpoch, kLast, kSteps };
  enum class Keep { kAll, kNewest, kBest };
  Save save = Save::kEachEpoch;
  int64_t save_steps = 0;  // for kSteps
  Keep keep = Keep::kAll;
  int64_t keep_newest = 0;     // for kNewest
  std::string dtype = "auto";  // auto | float32 | bf16
  double state_minutes = 10;
  bool keep_state = false;
};

struct TrainConfig {
  std::string model;
  // Where `model` is on this machine, as the caller has found it; "": `model` is a folder itself.
  std::filesystem::path model_folder;
  Method method = Method::kFull;
  DataConfig data;
  OptimizationConfig train;
  LoraConfig lora;                  // for method lora
  std::filesystem::path init_from;  // key lora.init_from: an adapter's folder; "": none
  CheckpointConfig checkpoints;
  std::filesystem::path output;

  std::filesystem::path base_folder() const {
    return model_folder.empty() ? std::filesystem::path(model) : model_folder;
  }
};

// Reads and checks the config, noting every fault at `root`; the caller calls root.check(). With
// lora.init_from it reads that adapter's config: its rank, alpha and targets hold, and a fault is
// noted for each key that asks for others. Throws Error where that file is missing or broken.
TrainConfig read_train_config(const ConfigNode& root);

// The config in force, every key with its value, in the order of the documentation: what the run
// folder's config.yaml holds. Reading it gives an equal config.
std::string to_yaml(const TrainConfig& config);

}  // namespace sft
