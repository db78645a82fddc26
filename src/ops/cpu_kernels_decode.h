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

SFT_INLINE float sum_of(const Floats16& v) {
  const Floats8 half = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  const Floats4 quarter = __builtin_shufflevector(half, half, 0, 1, 2, 3) +
                          __builtin_shufflevector(half, half, 4, 5, 6, 7);
  return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

SFT_INLINE float dot(const float* a, const float* b, int64_t count) {
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
    sum += a[i] * b[i];
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
  float key[kMaxHeadDim];
  for (int64_t begin = 0; begin < tokens; begin += kDecodeBlock) {
    const int64_t end = begin + kDecodeBlock < tokens ? begin + kDecodeBlock : tokens;
    for (int64_t g = 0; g < group; ++g) {
      widen(queries + g * width, query, width);
      for (int64_t t = begin; t < end; ++t) {
        widen(keys + t * width, key, width);
        scores[g * tokens + t] = dot(query, key, width);
      }
    }
  }
}

template <typename T>
SFT_INLINE void weighted_sums(const float* weights, const T* values, float* sums,
                              DecodeShape shape) {
  const auto [group, tokens, width] = shape;
  for (int64_t begin = 0; begin < tokens; begin += kDecodeBlock) {
    const int64_t end = begin + kDecodeBlock < tokens ? begin + kDecodeBlock : tokens;
    for (int64_t g = 0; g < group; ++g) {
      float* const sum = sums + g * width;
      for (int64_t t = begin; t < end; ++t) {
        const float weight = weights[g * tokens + t];
        const T* const value = values + t * width;
        for (int64_t i = 0; i < width; ++i) {
          sum[i] += weight * load(value[i]);
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
