#pragma once

// The loop of cpu_kernels_impl.h that attends with one new token over a sequence's cache. Weights
// stay float32. What it costs is reading the cache, which it does once for all queries of a group.

#include "ops/cpu_kernels_math.h"
#include "ops/cpu_kernels_softmax.h"

namespace sft {
namespace {

// Vectors by GCC's own types: it makes scalar code of a loop that halves an array of sums.
using Floats16 = float __attribute__((vector_size(64)));
using Floats8 = float __attribute__((vector_size(32)));
using Floats4 = float __attribute__((vector_size(16)));
constexpr int64_t kVector = 16;

SFT_INLINE void load_vector(const float* in, Floats16& out) {
  __builtin_memcpy(&out, in, sizeof(out));
}
SFT_INLINE void load_vector(const Bf16* in, Floats16& out) {
  using Halves16 = uint16_t __attribute__((vector_size(32)));
  using Words16 = uint32_t __attribute__((vector_size(64)));
  Halves16 halves;
  __builtin_memcpy(&halves, in, sizeof(halves));
  const Words16 words = __builtin_convertvector(halves, Words16) << 16;
  __builtin_memcpy(&out, &words, sizeof(out));
}

SFT_INLINE float sum_of(const Floats16& v) {
  const Floats8 half = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const Floats4 quarter = __builtin_shufflevector(half, half, 0, 1, 2, 3) +
                          __builtin_shufflevector(half, half, 4, 5, 6, 7);
  return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

template <typename T>
SFT_INLINE float dot(const float* a, const T* b, int64_t count) {
  Floats16 sums = {};
  int64_t i = 0;
  for (; i + kVector <= count; i += kVector) {
    Floats16 x;
    Floats16 y;
    load_vector(a + i, x);
    load_vector(b + i, y);
    sums += x * y;
  }
  float sum = sum_of(sums);
  for (; i < count; ++i) {
    sum += a[i] * load(b[i]);
  }
  return sum;
}

template <typename T>
SFT_INLINE void widen(const T* in, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = load(in[i]);
  }
}

// Tokens whose keys or values stay in the processor's first cache for all queries of the group.
constexpr int64_t kDecodeBlock = 64;

template <typename T>
SFT_INLINE void products(const T* queries, const T* keys, float* scores, DecodeShape shape) {
  const auto [group, tokens, width] = shape;
  float query[kMaxHeadDim];
  for (int64_t begin = 0; begin < tokens; begin += kDecodeBlock) {
    const int64_t end = begin + kDecodeBlock < tokens ? begin + kDecodeBlock : tokens;
    for (int64_t g = 0; g < group; ++g) {
      widen(queries + g * width, query, width);
      for (int64_t t = begin; t < end; ++t) {
        scores[g * tokens + t] = dot(query, keys + t * width, width);
      }
    }
  }
}

// Columns whose sums stay in registers over a block's tokens.
constexpr int64_t kDecodeColumns = 4 * kVector;

// sums[0 .. kDecodeColumns) += the sum over `count` tokens of weight * value.
template <typename T>
SFT_INLINE void add_weighted(const float* weights, const T* values, int64_t count, int64_t width,
                             float* sums) {
  Floats16 parts[4];
  for (int64_t j = 0; j < 4; ++j) {
    load_vector(sums + j * kVector, parts[j]);
  }
  for (int64_t t = 0; t < count; ++t) {
    for (int64_t j = 0; j < 4; ++j) {
      Floats16 value;
      load_vector(values + t * width + j * kVector, value);
      parts[j] += weights[t] * value;
    }
  }
  for (int64_t j = 0; j < 4; ++j) {
    __builtin_memcpy(sums + j * kVector, &parts[j], sizeof(parts[j]));
  }
}

template <typename T>
SFT_INLINE void weighted_sums(const float* weights, const T* values, float* sums,
                              DecodeShape shape) {
  const auto [group, tokens, width] = shape;
  for (int64_t begin = 0; begin < tokens; begin += kDecodeBlock) {
    const int64_t count = begin + kDecodeBlock < tokens ? kDecodeBlock : tokens - begin;
    const T* const block = values + begin * width;
    for (int64_t g = 0; g < group; ++g) {
      const float* const weight = weights + g * tokens + begin;
      float* const sum = sums + g * width;
      int64_t column = 0;
      for (; column + kDecodeColumns <= width; column += kDecodeColumns) {
        add_weighted(weight, block + column, count, width, sum + column);
      }
      for (int64_t t = 0; t < count && column < width; ++t) {
        for (int64_t i = column; i < width; ++i) {
          sum[i] += weight[t] * load(block[t * width + i]);
        }
      }
    }
  }
}

template <typename T>
void decode_attention(const T* queries, const T* keys, const T* values, T* out, float* scratch,
                      DecodeShape shape, ScoreFactors factors) {
  const auto [group, tokens, width] = shape;
  float* const scores = scratch;
  float* const sums = scratch + group * tokens;
  products(queries, keys, scores, shape);
  for (int64_t g = 0; g < group; ++g) {
    attention_weights(scores + g * tokens, KeyRange{.first = 0, .last = tokens, .count = tokens},
                      factors);
  }
  for (int64_t i = 0; i < group * width; ++i) {
    sums[i] = 0;
  }
  weighted_sums(scores, values, sums, shape);
  for (int64_t i = 0; i < group * width; ++i) {
    store(out[i], sums[i]);
  }
}

}  // namespace
}  // namespace sft
