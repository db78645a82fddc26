#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sft/core/config_node.h"
#include "sft/estimate/model_shape.h"

namespace sft {

// A base model as configs/models/<name>.yaml describes it: enough to plan for it without having it.
struct KnownModel {
  std::string hub_id;          // "Qwen/Qwen2.5-7B"
  std::string published_name;  // in the studied experiment's published results; empty: not in them
  std::string license;
  std::string tokenizer;        // its kind: "byte_level_bpe", "byte_fallback_bpe", "unigram"
  int64_t tokenizer_bytes = 0;  // of its files; 0: not said
  ModelShape shape;             // by `shape`, which has config.json's own keys, and `dtype`

  // Of the weights on disk.
  int64_t weight_bytes() const;
};

// Reads a file's root, unknown keys refused. Throws UsageError with all faults, Error for sizes
// that contradict each other.
KnownModel read_known_model(const ConfigNode& root);

// The same for a file. Throws UsageError, Error.
KnownModel load_known_model(const std::filesystem::path& path);

// The model of configs/models whose file is called `name`, or whose hub id it is; none where there
// is none.
std::optional<KnownModel> find_known_model(const std::string& name);

}  // namespace sft
