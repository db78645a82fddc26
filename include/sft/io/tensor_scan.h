#pragma once

#include <cstddef>
#include <optional>

#include "sft/io/safetensors.h"

namespace sft {

// The index of the first element of `tensor` that is NaN or infinite; none where all are finite.
// Integers are finite. As fast as memory is read for F32, F16 and BF16.
std::optional<size_t> find_non_finite(const TensorView& tensor);

}  // namespace sft
