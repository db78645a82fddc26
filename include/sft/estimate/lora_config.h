#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "sft/io/json.h"

namespace sft {

// Which linear layers get an adapter. One of the three holds.
struct LoraTargets {
  bool is_all_linear = true;       // every linear layer but the output matrix
  std::vector<std::string> names;  // whole names, or their ends after a dot: "q_proj"
  std::string pattern;             // a regular expression that matches whole names
};

// Low-rank adapters (Hu et al., "LoRA", 2021) as PEFT's LoraConfig has them:
//   y = W x + scale B A dropout(x), scale = alpha / rank, or alpha / sqrt(rank) where it is rank
//   stabilized; A: [rank, in], B: [out, rank].
struct LoraConfig {
  int64_t rank = 8;
  double alpha = 16;
  double dropout = 0;
  LoraTargets targets;
  bool is_rank_stabilized = false;
  // Layers with a rank or alpha of their own: a regular expression for the end of their names, from
  // the start or after a dot; the first that matches holds.
  std::vector<std::pair<std::string, int64_t>> rank_pattern;
  std::vector<std::pair<std::string, double>> alpha_pattern;
};

// An adapter_config.json.
struct AdapterConfig {
  LoraConfig lora;
  std::string base_model;  // base_model_name_or_path; "" where it has none
};

inline constexpr const char* kAdapterConfigFile = "adapter_config.json";

// Reads PEFT's form. Throws Error that names `where` and the key for values of another type or out
// of range, and for each feature of PEFT that changes the arithmetic and is not supported (DoRA,
// modules_to_save, biases, other kinds than LORA, keys that are not known).
AdapterConfig parse_adapter_config(const Json& json, const std::string& where);
// The same for an adapter's folder.
AdapterConfig read_adapter_config(const std::filesystem::path& folder);

// What PEFT reads back as the same.
Json adapter_config_json(const AdapterConfig& config);

}  // namespace sft
