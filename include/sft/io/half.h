#pragma once

#include <cstdint>

namespace sft {

// 16-bit floats by their bits: IEEE binary16 and bfloat16 (the upper half of a binary32). To float
// is exact; from float rounds to nearest, ties to even, past the largest finite value to infinity,
// and keeps NaN.
float half_to_float(uint16_t bits);
float bfloat16_to_float(uint16_t bits);
uint16_t float_to_half(float value);
uint16_t float_to_bfloat16(float value);

}  // namespace sft
