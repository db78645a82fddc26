#pragma once

#include <cstdint>

#include <ATen/core/ScalarType.h>

#include "sft/estimate/model_shape.h"

namespace sft {

// Floating-point operations a second (a multiply-add is two) of this machine in the products that a
// training step of such a model is made of: one layer's MLP, forward and backward, over `tokens`
// rows. Measured for about 0.2 s, best of several rounds.
double measure_product_rate(const ModelShape& shape, int64_t tokens, c10::ScalarType dtype);

}  // namespace sft
