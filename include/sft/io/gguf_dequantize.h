#pragma once

#include <cstddef>
#include <span>

#include "sft/io/gguf.h"

namespace sft {

// Elements of a tensor as float32, exactly as the format defines them, from `first` on as many as
// `values` holds; both must be multiples of the type's block (32 for the quantized types), as the
// ends of rows are. Reads nothing outside the tensor (SFT_CHECK).
void dequantize(const GgufTensor& tensor, size_t first, std::span<float> values);

}  // namespace sft
