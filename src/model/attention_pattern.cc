#include "sft/model/attention_pattern.h"

namespace sft {

at::Tensor PackedAttention::attend(int64_t /*layer*/, const AttentionInput& input) {
  return attention(input.queries, input.keys, input.values, cu_seqlens_, input.rule);
}

}  // namespace sft
