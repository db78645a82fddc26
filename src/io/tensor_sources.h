#pragma once

#include <vector>

#include "sft/io/safetensors.h"

namespace sft {

// Tensors in memory as sources that write them.
std::vector<TensorSource> tensor_sources(std::vector<NamedTensor> tensors);

}  // namespace sft
