#include "sft/data/packed_batch.h"

#include <limits>

#include "sft/core/error.h"

namespace sft {

PackedBatch pack(std::span<const EncodedSample* const> samples) {
  size_t num_tokens = 0;
  size_t num_targets = 0;
  for (const EncodedSample* sample : samples) {
    num_tokens += sample->token_ids.size();
    num_targets += static_cast<size_t>(sample->num_targets());
  }
  SFT_CHECK(num_tokens <= static_cast<size_t>(std::numeric_limits<int32_t>::max()));
  PackedBatch batch;
  batch.token_ids.reserve(num_tokens);
  batch.positions.reserve(num_tokens);
  batch.cu_seqlens.reserve(samples.size() + 1);
  batch.target_index.reserve(num_targets);
  batch.target_ids.reserve(num_targets);
  for (const EncodedSample* sample : samples) {
    const auto start = static_cast<int32_t>(batch.token_ids.size());
    batch.cu_seqlens.push_back(start);
    batch.token_ids.insert(batch.token_ids.end(), sample->token_ids.begin(),
                           sample->token_ids.end());
    for (size_t i = 0; i < sample->token_ids.size(); ++i) {
      batch.positions.push_back(static_cast<int32_t>(i));
    }
    for (const TokenSpan& span : sample->targets) {
      SFT_CHECK(span.begin >= 1);
      for (int32_t i = span.begin; i < span.end; ++i) {
        batch.target_index.push_back(start + i - 1);
        batch.target_ids.push_back(sample->token_ids[static_cast<size_t>(i)]);
      }
    }
  }
  batch.cu_seqlens.push_back(static_cast<int32_t>(batch.token_ids.size()));
  return batch;
}

}  // namespace sft
