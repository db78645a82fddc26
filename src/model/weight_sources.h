#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "sft/io/safetensors.h"
#include "sft/model/parameters.h"

namespace sft {

// Tensors as a safetensors file takes them, each rounded to `dtype` when its turn comes. Writing
// throws Error for NaN or infinite values.
std::vector<TensorSource> weight_sources(const std::vector<Parameter>& tensors, DType dtype);

// Writes one tensor (contiguous, CPU), unless it holds NaN or infinite values: then throws Error.
void write_finite(const at::Tensor& tensor, const std::string& name, AtomicFile& file);

at::ScalarType scalar_type_of(DType dtype, const std::string& where);

}  // namespace sft
