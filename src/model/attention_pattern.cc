#include "sft/model/attention_pattern.h"

#include "sft/ops/attention.h"

namespace sft {

at::Tensor PackedAttention::attend(int64_t /*layer*/, const at::Tensor& queries,
                                   const at::Tensor& keys, const at::Tensor& values, double scale) {
  return attention(queries, keys, values, cu_seqlens_, scale);
}

}  // namespace sft
