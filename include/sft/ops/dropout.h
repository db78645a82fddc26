#pragma once

#include <cstdint>
#include <span>

#include <ATen/core/Tensor.h>

#include "sft/core/rng.h"

namespace sft {

// Rows [begin, end) of a packed tensor whose chance comes from one stream, counted from its start.
struct DropoutRows {
  Rng rng;
  int64_t begin = 0;
  int64_t end = 0;
};

// Dropout (Srivastava et al., 2014) whose mask is a function of stream, row and column: an element
// is dropped where its word is below probability 2^32, others are divided by 1 - probability. The
// word of column c in row r of a stream, rows of `width` columns:
//   block r ceil(width / 64) 16 + floor(c / 64) 16 + c mod 16, word floor(c / 16) mod 4.
// x: [rows, width], float32 or bf16; rows of no stream stay as they are. 0 <= probability < 1. Not
// differentiable itself: its gradient is the same function of the gradient.
at::Tensor keyed_dropout(const at::Tensor& x, std::span<const DropoutRows> streams,
                         double probability);

// The same by its definition, an element at a time; runs on any device.
at::Tensor keyed_dropout_plain(const at::Tensor& x, std::span<const DropoutRows> streams,
                               double probability);

}  // namespace sft
