#pragma once

// The loop of cpu_kernels_impl.h that attends with one new token over a sequence's cache. Weights
// stay float32. What it costs is reading the cache, which it does once for all queries of a group.

#include "ops/cpu_kernels_math.h"
#include "ops/cpu_kernels_softmax.h"

namespace sft {
namespace {

// The sum by halves, so that one row's does not wait for its own additions.
SFT_INLINE float tree_sum(float (&lanes)[kLanes]) {
  for (int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (int64_t j = 0; j < width; ++j) {
      lanes[j] += lanes[j + width];
    }
  }
  return lanes[0];
}

SFT_INLINE float dot(const float* a, const float* b, int64_t count) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      lanes[j] += a[i + j] * b[i + j];
    }
  }
  for (; i < count; ++i) {
    lanes[0] += a[i] * b[i];
  }
  return tree_sum(lanes);
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
