#pragma once

// The loop of cpu_kernels_impl.h that attends with new tokens over what their sequence has cached.
// Products and weights stay float32. A block of keys or values is read once for all rows of a tile:
// the queries of a group, of one token or of some that follow each other.

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
SFT_INLINE void store_vector(float* out, const Floats16& in) {
  __builtin_memcpy(out, &in, sizeof(in));
}

// Numbers of a head are taken kPair at a time, as two vectors. Of bf16 those are its even and its
// odd numbers, which two operations make out of 32; queries and sums are held in that order.
constexpr int64_t kPair = 2 * kVector;

SFT_INLINE void load_pair(const float* in, Floats16& first, Floats16& second) {
  load_vector(in, first);
  load_vector(in + kVector, second);
}
SFT_INLINE void load_pair(const Bf16* in, Floats16& even, Floats16& odd) {
  using Words16 = uint32_t __attribute__((vector_size(64)));
  Words16 words;
  __builtin_memcpy(&words, in, sizeof(words));
  const Words16 low = words << 16;
  const Words16 high = words & 0xFFFF0000U;
  __builtin_memcpy(&even, &low, sizeof(low));
  __builtin_memcpy(&odd, &high, sizeof(high));
}
// Where the number that comes `i`th of a pair is held.
template <typename T>
SFT_INLINE int64_t place_in_pair(int64_t i);
template <>
SFT_INLINE int64_t place_in_pair<float>(int64_t i) {
  return i;
}
template <>
SFT_INLINE int64_t place_in_pair<Bf16>(int64_t i) {
  return i / 2 + (i % 2) * kVector;
}
// And where that of a head; what makes no whole pair stays in its order.
template <typename T>
SFT_INLINE int64_t held_at(int64_t i, int64_t width) {
  const int64_t begin = i - i % kPair;
  return begin + kPair <= width ? begin + place_in_pair<T>(i - begin) : i;
}

// The sums of four vectors, by fewer steps than four sums of one: lanes of two, then of all four
// side by side in each quarter.
SFT_INLINE Floats4 sums_of(const Floats16 (&v)[4]) {
  const Floats16 ab = __builtin_shufflevector(v[0], v[1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25,
                                              12, 28, 13, 29) +
                      __builtin_shufflevector(v[0], v[1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11,
                                              27, 14, 30, 15, 31);
  const Floats16 cd = __builtin_shufflevector(v[2], v[3], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25,
                                              12, 28, 13, 29) +
                      __builtin_shufflevector(v[2], v[3], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11,
                                              27, 14, 30, 15, 31);
  const Floats16 all =
      __builtin_shufflevector(ab, cd, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
      __builtin_shufflevector(ab, cd, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  const Floats8 half = __builtin_shufflevector(all, all, 0, 1, 2, 3, 4, 5, 6, 7) +
                       __builtin_shufflevector(all, all, 8, 9, 10, 11, 12, 13, 14, 15);
  return __builtin_shufflevector(half, half, 0, 1, 2, 3) +
         __builtin_shufflevector(half, half, 4, 5, 6, 7);
}

// Tokens whose keys or values stay in the processor's first cache for all rows.
constexpr int64_t kKeyBlock = 64;
// Rows, and keys, whose sums are in registers together.
constexpr int64_t kRowsAtOnce = 4;
constexpr int64_t kKeysAtOnce = 4;
// How far ahead keys and values are asked for: the processor's own guesses reach half the speed of
// its memory.
constexpr int64_t kKeysAhead = 32;

// Calls body.run<n>(first row) for runs of up to kRowsAtOnce rows.
template <typename Body>
SFT_INLINE void for_runs_of_rows(int64_t rows, const Body& body) {
  int64_t row = 0;
  for (; row + kRowsAtOnce <= rows; row += kRowsAtOnce) {
    body.template run<kRowsAtOnce>(row);
  }
  switch (rows - row) {
    case 3:
      body.template run<3>(row);
      break;
    case 2:
      body.template run<2>(row);
      break;
    case 1:
      body.template run<1>(row);
      break;
    default:
      break;
  }
}

// scores[row][t] = queries[row] . keys[t] of a block of keys; `length` numbers from a row of scores
// to the next.
template <typename T>
struct BlockProducts {
  const float* queries;  // [rows, width]
  const T* keys;
  int64_t stride;
  int64_t count;
  int64_t width;
  float* scores;
  int64_t length;

  template <int64_t kRows>
  SFT_INLINE void run(int64_t first) const {
    const float* const query = queries + first * width;
    float* const score = scores + first * length;
    int64_t t = 0;
    for (; t + kKeysAtOnce <= count; t += kKeysAtOnce) {
      four_keys<kRows>(query, keys + t * stride, score + t);
    }
    for (; t < count; ++t) {
      for (int64_t r = 0; r < kRows; ++r) {
        score[r * length + t] = dot(query + r * width, keys + t * stride);
      }
    }
  }

  template <int64_t kRows>
  SFT_INLINE void four_keys(const float* query, const T* key, float* score) const {
    Floats16 sums[kRows][kKeysAtOnce] = {};
    int64_t i = 0;
    for (; i + kPair <= width; i += kPair) {
      Floats16 first[kKeysAtOnce];
      Floats16 second[kKeysAtOnce];
      for (int64_t j = 0; j < kKeysAtOnce; ++j) {
        __builtin_prefetch(key + (j + kKeysAhead) * stride + i);
        load_pair(key + j * stride + i, first[j], second[j]);
      }
      for (int64_t r = 0; r < kRows; ++r) {
        Floats16 q;
        load_vector(query + r * width + i, q);
        for (int64_t j = 0; j < kKeysAtOnce; ++j) {
          sums[r][j] += q * first[j];
        }
        load_vector(query + r * width + i + kVector, q);
        for (int64_t j = 0; j < kKeysAtOnce; ++j) {
          sums[r][j] += q * second[j];
        }
      }
    }
    for (int64_t r = 0; r < kRows; ++r) {
      Floats4 sum = sums_of(sums[r]);
      for (int64_t rest = i; rest < width; ++rest) {
        for (int64_t j = 0; j < kKeysAtOnce; ++j) {
          sum[j] += query[r * width + rest] * load(key[j * stride + rest]);
        }
      }
      __builtin_memcpy(score + r * length, &sum, sizeof(sum));
    }
  }

  SFT_INLINE float dot(const float* query, const T* key) const {
    float sum = 0;
    for (int64_t i = 0; i < width; ++i) {
      sum += query[held_at<T>(i, width)] * load(key[i]);
    }
    return sum;
  }
};

// sums[row] += the sum over a block's tokens of weights[row][t] * values[t].
template <typename T>
struct BlockSums {
  const float* weights;
  int64_t length;  // numbers from a row of weights to the next
  const T* values;
  int64_t stride;
  int64_t count;
  int64_t width;
  float* sums;  // [rows, width]

  template <int64_t kRows>
  SFT_INLINE void run(int64_t first) const {
    int64_t column = 0;
    for (; column + 2 * kPair <= width; column += 2 * kPair) {
      columns<kRows, 2>(first, column);
    }
    for (; column + kPair <= width; column += kPair) {
      columns<kRows, 1>(first, column);
    }
    for (; column < width; ++column) {
      for (int64_t row = first; row < first + kRows; ++row) {
        for (int64_t t = 0; t < count; ++t) {
          sums[row * width + column] +=
              weights[row * length + t] * load(values[t * stride + column]);
        }
      }
    }
  }

  template <int64_t kRows, int64_t kPairs>
  SFT_INLINE void columns(int64_t first, int64_t column) const {
    constexpr int64_t kVectors = 2 * kPairs;
    const float* const weight = weights + first * length;
    const T* const value = values + column;
    float* const sum = sums + first * width + column;
    Floats16 parts[kRows][kVectors];
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t j = 0; j < kVectors; ++j) {
        load_vector(sum + r * width + j * kVector, parts[r][j]);
      }
    }
    for (int64_t t = 0; t < count; ++t) {
      Floats16 v[kVectors];
      for (int64_t j = 0; j < kPairs; ++j) {
        __builtin_prefetch(value + (t + kKeysAhead) * stride + j * kPair);
        load_pair(value + t * stride + j * kPair, v[2 * j], v[2 * j + 1]);
      }
      for (int64_t r = 0; r < kRows; ++r) {
        for (int64_t j = 0; j < kVectors; ++j) {
          parts[r][j] += weight[r * length + t] * v[j];
        }
      }
    }
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t j = 0; j < kVectors; ++j) {
        store_vector(sum + r * width + j * kVector, parts[r][j]);
      }
    }
  }
};

template <typename T>
void cached_attention(const T* queries, const KeySpan<T>* spans, int64_t num_spans, T* out,
                      float* scratch, TileShape shape, ScoreFactors factors) {
  const int64_t width = shape.head_dim;
  const int64_t rows = shape.tokens * shape.group;
  float* const wide = scratch;  // the queries, then the sums
  float* const totals = wide + rows * width;
  float* const scores = totals + rows;
  const auto place = [&](int64_t row) {
    return (row / shape.group) * shape.stride + (row % shape.group) * width;
  };
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t i = 0; i < width; ++i) {
      wide[row * width + held_at<T>(i, width)] = load(queries[place(row) + i]);
    }
  }
  int64_t passed = 0;
  for (int64_t s = 0; s < num_spans; ++s) {
    const KeySpan<T>& span = spans[s];
    for (int64_t begin = 0; begin < span.tokens; begin += kKeyBlock) {
      const int64_t left = span.tokens - begin;
      for_runs_of_rows(rows, BlockProducts<T>{wide, span.keys + begin * span.key_stride,
                                              span.key_stride, left < kKeyBlock ? left : kKeyBlock,
                                              width, scores + passed + begin, shape.keys});
    }
    passed += span.tokens;
  }
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t last = shape.seen + row / shape.group;
    const int64_t first = shape.window > 0 && last > shape.window ? last - shape.window : 0;
    totals[row] =
        exponentials(scores + row * shape.keys,
                     KeyRange{.first = first, .last = last, .count = shape.keys}, factors);
  }
  for (int64_t i = 0; i < rows * width; ++i) {
    wide[i] = 0;
  }
  passed = 0;
  for (int64_t s = 0; s < num_spans; ++s) {
    const KeySpan<T>& span = spans[s];
    for (int64_t begin = 0; begin < span.tokens; begin += kKeyBlock) {
      const int64_t left = span.tokens - begin;
      for_runs_of_rows(
          rows,
          BlockSums<T>{scores + passed + begin, shape.keys, span.values + begin * span.value_stride,
                       span.value_stride, left < kKeyBlock ? left : kKeyBlock, width, wide});
    }
    passed += span.tokens;
  }
  for (int64_t row = 0; row < rows; ++row) {
    const float factor = 1.0F / totals[row];
    for (int64_t i = 0; i < width; ++i) {
      store(out[place(row) + i], wide[row * width + held_at<T>(i, width)] * factor);
    }
  }
}

}  // namespace
}  // namespace sft
