#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sft/data/encoded_sample.h"

namespace sft {

// Samples one after another without padding. Attention stays inside a sample, positions restart at
// each, and the loss is taken only where a target follows: the shift by one is done in
// ops/linear_cross_entropy's input, which is made here and nowhere else:
//   target_index[i] is the place (in the packed tokens) whose hidden state predicts target_ids[i].
struct PackedBatch {
  std::vector<int32_t> token_ids;     // [tokens]
  std::vector<int32_t> positions;     // [tokens], from 0 in each sample
  std::vector<int32_t> cu_seqlens;    // [samples + 1], offsets of the samples' starts, and the end
  std::vector<int64_t> target_index;  // [targets]
  std::vector<int64_t> target_ids;    // [targets]
};

PackedBatch pack(std::span<const EncodedSample* const> samples);

}  // namespace sft
