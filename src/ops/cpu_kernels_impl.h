// The loops of cpu_kernels.h, included by a file for each instruction set, which defines
// SFT_KERNELS, the name of its table. Everything here is local to that file, and nothing calls an
// inline function of a library: the linker would be free to take the copy compiled for the widest
// instruction set for all.

#include "ops/cpu_kernels.h"

// These are part of this file, apart for their length.
#include "ops/cpu_kernels_attention.h"
#include "ops/cpu_kernels_math.h"
#include "ops/cpu_kernels_softmax.h"

namespace sft {
namespace {

template <typename T>
float rms_forward(const T* x, const T* weight, T* y, int64_t width, RmsFactors factors) {
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
  const float mean = lane_sum(lanes) / static_cast<float>(width);
  const float scale = 1.0F / __builtin_sqrtf(mean + factors.eps_or_scale);
  const float offset = factors.weight_offset;
  for (i = 0; i < width; ++i) {
    store(y[i], (load(weight[i]) + offset) * (load(x[i]) * scale));
  }
  return scale;
}

template <typename T>
void rms_backward(const T* x, const T* weight, const T* dy, T* dx, float* dweight, int64_t width,
                  RmsFactors factors) {
  const float scale = factors.eps_or_scale;
  const float offset = factors.weight_offset;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      lanes[j] += (load(weight[i + j]) + offset) * load(dy[i + j]) * load(x[i + j]);
    }
  }
  for (; i < width; ++i) {
    lanes[0] += (load(weight[i]) + offset) * load(dy[i]) * load(x[i]);
  }
  const float mean = lane_sum(lanes) * scale / static_cast<float>(width);
  for (i = 0; i < width; ++i) {
    const float normed = load(x[i]) * scale;
    dweight[i] += load(dy[i]) * normed;
    store(dx[i], scale * ((load(weight[i]) + offset) * load(dy[i]) - normed * mean));
  }
}

template <typename T>
void layer_forward(const T* x, T* y, float* moments, int64_t width, float eps) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      lanes[j] += load(x[i + j]);
    }
  }
  for (; i < width; ++i) {
    lanes[0] += load(x[i]);
  }
  const float mean = lane_sum(lanes) / static_cast<float>(width);
  // A second pass: the mean of squares less the square of the mean would cancel.
  float squares[kLanes] = {};
  for (i = 0; i + kLanes <= width; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      const float centred = load(x[i + j]) - mean;
      squares[j] += centred * centred;
    }
  }
  for (; i < width; ++i) {
    squares[0] += (load(x[i]) - mean) * (load(x[i]) - mean);
  }
  const float scale = 1.0F / __builtin_sqrtf(lane_sum(squares) / static_cast<float>(width) + eps);
  for (i = 0; i < width; ++i) {
    store(y[i], (load(x[i]) - mean) * scale);
  }
  moments[0] = mean;
  moments[1] = scale;
}

// With n = (x - mean) * scale: dx = scale * (dy - mean(dy) - n * mean(dy n)).
template <typename T>
void layer_backward(const T* x, const T* dy, T* dx, const float* moments, int64_t width) {
  const float mean = moments[0];
  const float scale = moments[1];
  float sums[kLanes] = {};
  float products[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      sums[j] += load(dy[i + j]);
      products[j] += load(dy[i + j]) * (load(x[i + j]) - mean);
    }
  }
  for (; i < width; ++i) {
    sums[0] += load(dy[i]);
    products[0] += load(dy[i]) * (load(x[i]) - mean);
  }
  const float mean_dy = lane_sum(sums) / static_cast<float>(width);
  const float mean_product = lane_sum(products) * scale / static_cast<float>(width);
  for (i = 0; i < width; ++i) {
    const float normed = (load(x[i]) - mean) * scale;
    store(dx[i], scale * (load(dy[i]) - mean_dy - normed * mean_product));
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

// gelu(g) = g sigmoid(2 u) with u = sqrt(2 / pi) (g + 0.044715 g^3), as (1 + tanh u) / 2 is
// sigmoid(2 u).
constexpr float kGeluSlope = 1.5957691216057308F;  // 2 sqrt(2 / pi)
constexpr float kGeluCubic = 0.044715F;

template <typename T>
void geglu_forward(const T* gate, const T* up, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = load(gate[i]);
    const float u = kGeluSlope * (g + kGeluCubic * g * g * g);
    store(y[i], g / (1.0F + exp_float(-u)) * load(up[i]));
  }
}

template <typename T>
void geglu_backward(const T* gate, const T* up, const T* dy, T* dgate, T* dup, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = load(gate[i]);
    const float u = kGeluSlope * (g + kGeluCubic * g * g * g);
    const float sigmoid = 1.0F / (1.0F + exp_float(-u));
    const float slope = kGeluSlope * (1.0F + 3.0F * kGeluCubic * g * g);  // du / dg
    const float d = load(dy[i]);
    store(dup[i], d * g * sigmoid);
    store(dgate[i], d * load(up[i]) * sigmoid * (1.0F + g * (1.0F - sigmoid) * slope));
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
    .layer_forward = layer_forward<T>,
    .layer_backward = layer_backward<T>,
    .swiglu_forward = swiglu_forward<T>,
    .swiglu_backward = swiglu_backward<T>,
    .geglu_forward = geglu_forward<T>,
    .geglu_backward = geglu_backward<T>,
    .rotate = rotate<T>,
    .loss_and_gradient = loss_and_gradient<T>,
    .attention_weights = attention_weights<T>,
    .attention_weights_backward = attention_weights_backward<T>,
    .cached_attention = cached_attention<T>,
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
