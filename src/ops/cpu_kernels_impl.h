// The loops of cpu_kernels.h, included by a file for each instruction set, which defines
// SFT_KERNELS, the name of its table. Everything here is local to that file, and nothing calls an
// inline function of a library: the linker would be free to take the copy compiled for the widest
// instruction set for all.

#include "ops/cpu_kernels.h"

namespace sft {
namespace {

#define SFT_INLINE __attribute__((always_inline)) inline

SFT_INLINE float load(const float& value) {
  return value;
}
SFT_INLINE float load(const Bf16& value) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(value.bits) << 16);
}

SFT_INLINE void store(float& place, float value) {
  place = value;
}
// Rounds to nearest, ties to even; a NaN stays one.
SFT_INLINE void store(Bf16& place, float value) {
  const auto bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  place.bits = static_cast<uint16_t>(value != value ? 0x7FC0 : rounded);
}

// e^x to 2 ulp for finite x: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by Taylor's polynomial of
// degree 7 (remainder below 2^-26), scaled by 2^n. Past +-87 it stays at the ends, so that the
// exponent's bits never overflow.
SFT_INLINE float exp_float(float x) {
  x = x < -87.0F ? -87.0F : (x > 87.0F ? 87.0F : x);
  constexpr float kLog2E = 1.44269504088896F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float n = (x * kLog2E + kRound) - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float p = 1.0F / 5040;
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  return p * __builtin_bit_cast(float, (static_cast<int32_t>(n) + 127) << 23);
}

// Sums of many terms are kept in lanes side by side: a single one would make each addition wait for
// the last.
constexpr int64_t kLanes = 32;

SFT_INLINE float lane_sum(const float* lanes) {
  float sum = 0;
  for (int64_t j = 0; j < kLanes; ++j) {
    sum += lanes[j];
  }
  return sum;
}

template <typename T>
float rms_forward(const T* x, const T* weight, T* y, int64_t width, float eps) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      lanes[j] += load(x[i + j]) * load(x[i + j]);
    }
  }
  for (; i < width; ++i) {
    lanes[0] += load(x[i]) * load(x[i]);
  }
  const float scale = 1.0F / __builtin_sqrtf(lane_sum(lanes) / static_cast<float>(width) + eps);
  for (i = 0; i < width; ++i) {
    store(y[i], load(weight[i]) * (load(x[i]) * scale));
  }
  return scale;
}

template <typename T>
void rms_backward(const T* x, const T* weight, const T* dy, T* dx, float* dweight, int64_t width,
                  float scale) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      lanes[j] += load(weight[i + j]) * load(dy[i + j]) * load(x[i + j]);
    }
  }
  for (; i < width; ++i) {
    lanes[0] += load(weight[i]) * load(dy[i]) * load(x[i]);
  }
  const float mean = lane_sum(lanes) * scale / static_cast<float>(width);
  for (i = 0; i < width; ++i) {
    const float normed = load(x[i]) * scale;
    dweight[i] += load(dy[i]) * normed;
    store(dx[i], scale * (load(weight[i]) * load(dy[i]) - normed * mean));
  }
}

template <typename T>
void swiglu_forward(const T* gate, const T* up, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = load(gate[i]);
    store(y[i], g / (1.0F + exp_float(-g)) * load(up[i]));
  }
}

template <typename T>
void swiglu_backward(const T* gate, const T* up, const T* dy, T* dgate, T* dup, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = load(gate[i]);
    const float sigmoid = 1.0F / (1.0F + exp_float(-g));
    const float d = load(dy[i]);
    store(dup[i], d * g * sigmoid);
    store(dgate[i], d * load(up[i]) * sigmoid * (1.0F + g * (1.0F - sigmoid)));
  }
}

template <typename T>
void rotate(const T* x, T* y, const float* cos, const float* sin, int64_t heads, int64_t half,
            float sign) {
  for (int64_t head = 0; head < heads; ++head) {
    const T* const in = x + head * 2 * half;
    T* const out = y + head * 2 * half;
    for (int64_t i = 0; i < half; ++i) {
      const float first = load(in[i]);
      const float second = load(in[i + half]);
      const float s = sign * sin[i];
      store(out[i], first * cos[i] - second * s);
      store(out[i + half], second * cos[i] + first * s);
    }
  }
}

template <typename T>
SFT_INLINE float largest(const T* values, int64_t count) {
  float lanes[kLanes];
  for (float& lane : lanes) {
    lane = load(values[0]);
  }
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      const float value = load(values[i + j]);
      lanes[j] = value > lanes[j] ? value : lanes[j];
    }
  }
  float maximum = lanes[0];
  for (; i < count; ++i) {
    maximum = load(values[i]) > maximum ? load(values[i]) : maximum;
  }
  for (const float lane : lanes) {
    maximum = lane > maximum ? lane : maximum;
  }
  return maximum;
}

// Sum of e^(value - maximum): blocks of float32 sums, added up in float64, since a vocabulary is
// too long for one float32 sum.
template <typename T>
SFT_INLINE double sum_of_exponentials(const T* values, int64_t count, float maximum) {
  constexpr int64_t kBlock = 4096;
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = begin + kBlock < count ? begin + kBlock : count;
    float lanes[kLanes] = {};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (int64_t j = 0; j < kLanes; ++j) {
        lanes[j] += exp_float(load(values[i + j]) - maximum);
      }
    }
    for (; i < end; ++i) {
      lanes[0] += exp_float(load(values[i]) - maximum);
    }
    total += static_cast<double>(lane_sum(lanes));
  }
  return total;
}

template <typename T>
float loss_and_gradient(T* logits, int64_t vocab, int64_t target, float scale) {
  const float maximum = largest(logits, vocab);
  const double sum = sum_of_exponentials(logits, vocab, maximum);
  const float target_logit = load(logits[target]);
  const float factor = scale / static_cast<float>(sum);
  for (int64_t i = 0; i < vocab; ++i) {
    store(logits[i], exp_float(load(logits[i]) - maximum) * factor);
  }
  const float probability = __builtin_expf(target_logit - maximum) / static_cast<float>(sum);
  store(logits[target], (probability - 1.0F) * scale);
  return maximum + static_cast<float>(__builtin_log(sum)) - target_logit;
}

template <typename T>
void adamw(T* weight, float* master, float* mean, float* square_mean, float* gradient,
           int64_t count, const AdamwFactors& factors) {
  const AdamwFactors f = factors;
  for (int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * f.gradient_scale;
    const float m = mean[i] + f.rest1 * (g - mean[i]);
    const float v = square_mean[i] * f.beta2 + f.rest2 * g * g;
    const float p =
        master[i] * f.decay - f.step_size * m / (__builtin_sqrtf(v) * f.root_scale + f.eps);
    mean[i] = m;
    square_mean[i] = v;
    master[i] = p;
    store(weight[i], p);
    gradient[i] = 0;
  }
}

template <typename T>
void add(float* into, const T* addend, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    into[i] += load(addend[i]);
  }
}

double sum_of_squares(const float* x, int64_t count) {
  constexpr int64_t kDoubles = 16;
  double lanes[kDoubles] = {};
  int64_t i = 0;
  for (; i + kDoubles <= count; i += kDoubles) {
    for (int64_t j = 0; j < kDoubles; ++j) {
      lanes[j] += static_cast<double>(x[i + j]) * static_cast<double>(x[i + j]);
    }
  }
  for (; i < count; ++i) {
    lanes[0] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  double sum = 0;
  for (const double lane : lanes) {
    sum += lane;
  }
  return sum;
}

// Philox 4x32-10 as core/rng.cc computes it, for blocks first .. first + 15 side by side.
SFT_INLINE void random_words(uint64_t first, const DropoutKey& dropout,
                             uint32_t (&words)[4][kDropoutColumns / 4]) {
  constexpr int64_t kBlocks = kDropoutColumns / 4;
  for (int64_t i = 0; i < kBlocks; ++i) {
    const uint64_t index = first + static_cast<uint64_t>(i);
    words[0][i] = static_cast<uint32_t>(index);
    words[1][i] = static_cast<uint32_t>(index >> 32);
    words[2][i] = dropout.stream[0];
    words[3][i] = dropout.stream[1];
  }
  uint32_t key0 = dropout.key[0];
  uint32_t key1 = dropout.key[1];
  for (int round = 0; round < 10; ++round) {
    for (int64_t i = 0; i < kBlocks; ++i) {
      const uint64_t product0 = uint64_t{0xD2511F53} * words[0][i];
      const uint64_t product1 = uint64_t{0xCD9E8D57} * words[2][i];
      words[0][i] = static_cast<uint32_t>(product1 >> 32) ^ words[1][i] ^ key0;
      words[1][i] = static_cast<uint32_t>(product1);
      words[2][i] = static_cast<uint32_t>(product0 >> 32) ^ words[3][i] ^ key1;
      words[3][i] = static_cast<uint32_t>(product0);
    }
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
}

template <typename T>
void dropout(const T* x, T* y, int64_t width, uint64_t first, const DropoutKey& key) {
  constexpr int64_t kBlocks = kDropoutColumns / 4;
  for (int64_t begin = 0; begin < width; begin += kDropoutColumns) {
    uint32_t words[4][kBlocks];
    random_words(first + static_cast<uint64_t>(begin / 4), key, words);
    const int64_t count = width - begin < kDropoutColumns ? width - begin : kDropoutColumns;
    for (int64_t j = 0; j < count; ++j) {
      const float value = load(x[begin + j]) * key.scale;
      store(y[begin + j], words[j / kBlocks][j % kBlocks] < key.threshold ? 0.0F : value);
    }
  }
}

template <typename T>
constexpr ElementKernels<T> kElementKernels = {
    .rms_forward = rms_forward<T>,
    .rms_backward = rms_backward<T>,
    .swiglu_forward = swiglu_forward<T>,
    .swiglu_backward = swiglu_backward<T>,
    .rotate = rotate<T>,
    .loss_and_gradient = loss_and_gradient<T>,
    .adamw = adamw<T>,
    .add = add<T>,
    .dropout = dropout<T>,
};

}  // namespace

const CpuKernels& SFT_KERNELS() {
  static constexpr CpuKernels kKernels = {.float32 = kElementKernels<float>,
                                          .bf16 = kElementKernels<Bf16>,
                                          .sum_of_squares = sum_of_squares};
  return kKernels;
}

}  // namespace sft
