#pragma once

// The loops of cpu_kernels_impl.h that exponentials are most of: of the loss and of attention.

#include "ops/cpu_kernels_math.h"

namespace sft {
namespace {

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

// A number and, where there is a soft cap, the number capped: cap * tanh(value / cap).
struct Uncapped {
  SFT_INLINE float operator()(float value) const { return value; }
  // d capped / d value, from the capped one.
  SFT_INLINE float slope(float /*capped*/) const { return 1.0F; }
};
struct SoftCap {
  float cap;
  float inverse;
  SFT_INLINE float operator()(float value) const { return cap * tanh_float(value * inverse); }
  SFT_INLINE float slope(float capped) const {
    const float t = capped * inverse;
    return 1.0F - t * t;
  }
};

// Sum of e^(value - maximum): blocks of float32 sums, added up in float64, since a vocabulary is
// too long for one float32 sum.
template <typename T, typename Cap>
SFT_INLINE double sum_of_exponentials(const T* values, int64_t count, float maximum, Cap cap) {
  constexpr int64_t kBlock = 4096;
  double total = 0;
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t end = begin + kBlock < count ? begin + kBlock : count;
    float lanes[kLanes] = {};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (int64_t j = 0; j < kLanes; ++j) {
        lanes[j] += exp_float(cap(load(values[i + j])) - maximum);
      }
    }
    for (; i < end; ++i) {
      lanes[0] += exp_float(cap(load(values[i])) - maximum);
    }
    total += static_cast<double>(lane_sum(lanes));
  }
  return total;
}

template <typename T, typename Cap>
SFT_INLINE float capped_loss(T* logits, int64_t vocab, int64_t target, float scale, Cap cap) {
  const float maximum = cap(largest(logits, vocab));  // a cap keeps the order
  const double sum = sum_of_exponentials(logits, vocab, maximum, cap);
  const float target_logit = cap(load(logits[target]));
  const float factor = scale / static_cast<float>(sum);
  for (int64_t i = 0; i < vocab; ++i) {
    const float logit = cap(load(logits[i]));
    store(logits[i], exp_float(logit - maximum) * factor * cap.slope(logit));
  }
  const float probability = __builtin_expf(target_logit - maximum) / static_cast<float>(sum);
  store(logits[target], (probability - 1.0F) * scale * cap.slope(target_logit));
  return maximum + static_cast<float>(__builtin_log(sum)) - target_logit;
}

// Calls body with what a soft cap does, or with what none does.
template <typename Body>
SFT_INLINE auto with_cap(float soft_cap, const Body& body) {
  return soft_cap == 0.0F ? body(Uncapped{}) : body(SoftCap{soft_cap, 1.0F / soft_cap});
}

template <typename T>
SFT_INLINE void clear_outside(T* row, KeyRange keys) {
  for (int64_t i = 0; i < keys.first; ++i) {
    store(row[i], 0.0F);
  }
  for (int64_t i = keys.last; i < keys.count; ++i) {
    store(row[i], 0.0F);
  }
}

template <typename T>
float loss_and_gradient(T* logits, int64_t vocab, int64_t target, LossFactors factors) {
  return with_cap(factors.soft_cap,
                  [&](auto cap) { return capped_loss(logits, vocab, target, factors.scale, cap); });
}

// `scale` is positive, so that the order of the products is that of the scores.
template <typename T, typename Cap>
SFT_INLINE float capped_weights(T* scores, KeyRange keys, float scale, Cap cap) {
  const int64_t count = keys.last - keys.first;
  T* const row = scores + keys.first;
  const float maximum = cap(largest(row, count) * scale);
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      lanes[j] += exp_float(cap(load(row[i + j]) * scale) - maximum);
    }
  }
  for (; i < count; ++i) {
    lanes[0] += exp_float(cap(load(row[i]) * scale) - maximum);
  }
  const float log_sum = maximum + __builtin_logf(lane_sum(lanes));
  for (i = 0; i < count; ++i) {
    store(row[i], exp_float(cap(load(row[i]) * scale) - log_sum));
  }
  clear_outside(scores, keys);
  return log_sum;
}

template <typename T>
float attention_weights(T* scores, KeyRange keys, ScoreFactors factors) {
  return with_cap(factors.soft_cap,
                  [&](auto cap) { return capped_weights(scores, keys, factors.scale, cap); });
}

// Scores as products become e^(score - the largest), 0 outside the keys; returns their sum.
template <typename Cap>
SFT_INLINE float capped_exponentials(float* scores, KeyRange keys, float scale, Cap cap) {
  const int64_t count = keys.last - keys.first;
  float* const row = scores + keys.first;
  const float maximum = cap(largest(row, count) * scale);
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) {
      row[i + j] = exp_float(cap(row[i + j] * scale) - maximum);
      lanes[j] += row[i + j];
    }
  }
  for (; i < count; ++i) {
    row[i] = exp_float(cap(row[i] * scale) - maximum);
    lanes[0] += row[i];
  }
  clear_outside(scores, keys);
  return lane_sum(lanes);
}

SFT_INLINE float exponentials(float* scores, KeyRange keys, ScoreFactors factors) {
  return with_cap(factors.soft_cap,
                  [&](auto cap) { return capped_exponentials(scores, keys, factors.scale, cap); });
}

template <typename T, typename Cap>
SFT_INLINE void capped_weights_backward(T* scores, T* dweights, KeyRange keys,
                                        AttentionRowSums sums, float scale, Cap cap) {
  for (int64_t i = keys.first; i < keys.last; ++i) {
    const float score = cap(load(scores[i]) * scale);
    const float weight = exp_float(score - sums.log_sum);
    store(scores[i], weight);
    store(dweights[i], weight * (load(dweights[i]) - sums.mean) * cap.slope(score) * scale);
  }
  clear_outside(scores, keys);
  clear_outside(dweights, keys);
}

template <typename T>
void attention_weights_backward(T* scores, T* dweights, KeyRange keys, AttentionRowSums sums,
                                ScoreFactors factors) {
  with_cap(factors.soft_cap, [&](auto cap) {
    capped_weights_backward(scores, dweights, keys, sums, factors.scale, cap);
  });
}

}  // namespace
}  // namespace sft
