#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace sft {

// Whose tokens a model is training on, packed: what chance in its layers (dropout) is keyed by, so
// that a number never depends on a place in a batch, a rank or a thread.
struct TrainingRows {
  int64_t step = 0;                     // from 1
  std::vector<std::string> sample_ids;  // [samples]
  std::vector<int32_t> cu_seqlens;      // [samples + 1]: the samples' first rows, and the end
};

// What an adapter adds to a linear layer: scale B A dropout(x).
struct LoraBranch {
  at::Tensor a;  // [rank, in], float32
  at::Tensor b;  // [out, rank], float32
  double scale = 1;
  double dropout = 0;
  uint64_t seed = 0;  // of dropout
};

// A linear layer of a model as others find it: by its name, the parameters' without ".weight". The
// layer itself computes with what stands here.
struct LinearSite {
  std::string name;   // "model.layers.0.self_attn.q_proj"
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out], or none
  std::optional<LoraBranch> lora;
  std::shared_ptr<const TrainingRows> rows;  // none: nothing is left to chance
};

}  // namespace sft
