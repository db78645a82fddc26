#pragma once

// The inner loops of the operations on the CPU, compiled once for each instruction set out of
// cpu_kernels_impl.h; the one that this machine runs is chosen at the first call.

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace sft {

struct AttentionRule;

// A bf16 number: the upper half of a float32.
struct Bf16 {
  uint16_t bits;
};

// What AdamW multiplies with; see adamw.h.
struct AdamwFactors {
  float decay;  // 1 - lr * weight_decay
  float beta1;
  float beta2;
  float rest1;       // 1 - beta1, taken in float64 as PyTorch does
  float rest2;       // 1 - beta2
  float step_size;   // lr / (1 - beta1^t)
  float root_scale;  // 1 / sqrt(1 - beta2^t)
  float eps;
  float gradient_scale;
};

// What a row of RMSNorm needs beside its numbers.
struct RmsFactors {
  float eps_or_scale;   // forward: eps; backward: 1 / rms
  float weight_offset;  // added to each weight
};

// Logits z become soft_cap * tanh(z / soft_cap); 0: they stay.
struct LossFactors {
  float scale;
  float soft_cap;
};

// What a row of attention's products is made into scores with: scale * product, softly capped as
// logits are.
struct ScoreFactors {
  float scale;
  float soft_cap;
};
ScoreFactors factors_of(const AttentionRule& rule);
struct KeyRange {
  int64_t first;
  int64_t last;
  int64_t count;
};
struct AttentionRowSums {
  float log_sum;
  float mean;
};
// Keys and values of tokens that follow each other, of one key head: head_dim numbers a token, the
// next token's `stride` numbers behind.
template <typename T>
struct KeySpan {
  const T* keys;
  const T* values;
  int64_t tokens;
  int64_t key_stride;
  int64_t value_stride;
};
// The queries that read one key head: `group` of each of `tokens` tokens that follow each other.
struct TileShape {
  int64_t tokens;
  int64_t group;
  int64_t head_dim;
  int64_t stride;  // numbers from a token's first query to the next token's
  int64_t keys;    // in all spans
  int64_t
      seen;  // of them by the first token: its own is the last, and each later token sees one more
  int64_t window;  // see AttentionRule, 0: none
};

// Columns that one step of `dropout` draws together: 16 blocks of four words.
constexpr int64_t kDropoutColumns = 64;

// A stream of Rng, and what is done with its words; see dropout.h.
struct DropoutKey {
  uint32_t key[2];
  uint32_t stream[2];
  uint32_t threshold;
  float scale;
};

// Loops over elements of type T (float or Bf16), arithmetic in float32, rounded once.
template <typename T>
struct ElementKernels {
  // One row of RMSNorm; returns 1 / rms.
  float (*rms_forward)(const T* x, const T* weight, T* y, int64_t width, RmsFactors factors);
  // With n = x * scale: dweight += dy * n, dx = scale * (w dy - n * mean(w dy n)).
  void (*rms_backward)(const T* x, const T* weight, const T* dy, T* dx, float* dweight,
                       int64_t width, RmsFactors factors);
  // One row of a norm without parameters; moments: mean and 1 / deviation.
  void (*layer_forward)(const T* x, T* y, float* moments, int64_t width, float eps);
  void (*layer_backward)(const T* x, const T* dy, T* dx, const float* moments, int64_t width);
  void (*swiglu_forward)(const T* gate, const T* up, T* y, int64_t count);
  void (*swiglu_backward)(const T* gate, const T* up, const T* dy, T* dgate, T* dup, int64_t count);
  void (*geglu_forward)(const T* gate, const T* up, T* y, int64_t count);
  void (*geglu_backward)(const T* gate, const T* up, const T* dy, T* dgate, T* dup, int64_t count);
  // One token's heads: (a, b) -> (a cos - b sin, b cos + a sin); `sign` -1 turns back.
  void (*rotate)(const T* x, T* y, const float* cos, const float* sin, int64_t heads, int64_t half,
                 float sign);
  // The loss of one row of logits; turns the row into scale * (softmax - onehot).
  float (*loss_and_gradient)(T* logits, int64_t vocab, int64_t target, LossFactors factors);
  // A row of products q . k becomes weights: softmax over the keys [first, last) of `count`, 0
  // elsewhere. Returns the logarithm of the sum of exponentials.
  float (*attention_weights)(T* scores, KeyRange keys, ScoreFactors factors);
  // The same from that logarithm, in `scores`; the gradient by the weights, in `dweights`, becomes
  // that by the products. `mean` is the sum of weight * gradient.
  void (*attention_weights_backward)(T* scores, T* dweights, KeyRange keys, AttentionRowSums sums,
                                     ScoreFactors factors);
  // out[token][g] = sum over the keys t it sees of softmax(score(q[token][g] . k[t])) v[t]; queries
  // and out are laid out alike. scratch: tokens * group * (keys + head_dim + 1) numbers.
  void (*cached_attention)(const T* queries, const KeySpan<T>* spans, int64_t num_spans, T* out,
                           float* scratch, TileShape shape, ScoreFactors factors);
  void (*adamw)(T* weight, float* master, float* mean, float* square_mean, float* gradient,
                int64_t count, const AdamwFactors& factors);
  void (*add)(float* into, const T* addend, int64_t count);
  // One row, whose first block is `first`.
  void (*dropout)(const T* x, T* y, int64_t width, uint64_t first, const DropoutKey& dropout);
};

struct CpuKernels {
  ElementKernels<float> float32;
  ElementKernels<Bf16> bf16;
  double (*sum_of_squares)(const float* x, int64_t count);
};

const CpuKernels& cpu_kernels();

template <typename T>
const ElementKernels<T>& element_kernels();
template <>
inline const ElementKernels<float>& element_kernels() {
  return cpu_kernels().float32;
}
template <>
inline const ElementKernels<Bf16>& element_kernels() {
  return cpu_kernels().bf16;
}

// A tensor's elements as T; the caller knows its dtype.
template <typename T>
const T* elements(const at::Tensor& tensor) {
  return static_cast<const T*>(tensor.const_data_ptr());
}
template <typename T>
T* mutable_elements(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.mutable_data_ptr());
}

// Whether the loops above take this tensor.
bool has_cpu_kernels(const at::Tensor& tensor);

}  // namespace sft
