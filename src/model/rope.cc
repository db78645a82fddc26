#include "model/rope.h"

#include <numbers>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"

namespace sft {
namespace {

using at::Tensor;

double required_positive(const ConfigFields& fields, const std::string& key) {
  if (!fields.has(key)) {
    throw Error(fields.where() + ": " + key + " is missing");
  }
  double value = 0;
  fields.read_positive(key, value);
  return value;
}

void read_llama3(const ConfigFields& rope, RopeScaling& scaling) {
  scaling.low_frequency_factor = required_positive(rope, "low_freq_factor");
  scaling.high_frequency_factor = required_positive(rope, "high_freq_factor");
  scaling.original_context = required_positive(rope, "original_max_position_embeddings");
  if (scaling.high_frequency_factor <= scaling.low_frequency_factor) {
    throw Error(fmt::format("{}: high_freq_factor {} must be greater than low_freq_factor {}",
                            rope.where(), format_shortest(scaling.high_frequency_factor),
                            format_shortest(scaling.low_frequency_factor)));
  }
}

// transformers 4 says `type` or `rope_type`, 5 says `rope_type`.
void read_scaling(const ConfigFields& rope, RopeScaling& scaling) {
  const std::string kind = rope.text_or("rope_type", rope.text_or("type", "default"));
  if (kind == "default") {
    return;
  }
  if (kind != "linear" && kind != "llama3") {
    throw Error(fmt::format(
        "{}: rope scaling of kind '{}' is not supported, only 'default', 'linear' and 'llama3'",
        rope.where(), kind));
  }
  scaling.kind = kind == "linear" ? RopeScaling::Kind::kLinear : RopeScaling::Kind::kLlama3;
  scaling.factor = required_positive(rope, "factor");
  if (scaling.kind == RopeScaling::Kind::kLlama3) {
    read_llama3(rope, scaling);
  }
}

// Llama 3.1's: wave lengths past the original context are stretched by the factor, short ones stay,
// and those between get a share of both.
Tensor llama3_scaled(const Tensor& frequencies, const RopeScaling& scaling) {
  const Tensor wave_lengths = 2 * std::numbers::pi / frequencies;
  const double longest_kept = scaling.original_context / scaling.high_frequency_factor;
  const double shortest_stretched = scaling.original_context / scaling.low_frequency_factor;
  const Tensor kept_share =
      (scaling.original_context / wave_lengths - scaling.low_frequency_factor) /
      (scaling.high_frequency_factor - scaling.low_frequency_factor);
  const Tensor between = (1 - kept_share) * frequencies / scaling.factor + kept_share * frequencies;
  const Tensor long_or_between =
      at::where(wave_lengths > shortest_stretched, frequencies / scaling.factor, between);
  return at::where(wave_lengths < longest_kept, frequencies, long_or_between);
}

}  // namespace

void read_rope(const ConfigFields& fields, ModelConfig& config) {
  fields.read_positive("rope_theta", config.rope_theta);
  for (const char* const key : {"rope_scaling", "rope_parameters"}) {
    if (!fields.has(key)) {
      continue;
    }
    const ConfigFields rope = fields.object(key);
    config.rope_scaling = {};
    read_scaling(rope, config.rope_scaling);
    rope.read_positive("rope_theta", config.rope_theta);
    double partial = 1;
    rope.read_positive("partial_rotary_factor", partial);
    if (partial != 1) {
      throw Error(rope.where() + ": partial_rotary_factor is " + format_shortest(partial) +
                  ", only 1 is supported");
    }
  }
}

Tensor inverse_frequencies(const ModelConfig& config, at::Device device) {
  const int64_t head_dim = config.shape.head_dim;
  const Tensor exponents =
      at::arange(0, head_dim, 2, at::TensorOptions().dtype(at::kFloat).device(device)) /
      static_cast<double>(head_dim);
  const Tensor frequencies = 1.0 / at::pow(config.rope_theta, exponents);
  switch (config.rope_scaling.kind) {
    case RopeScaling::Kind::kNone:
      return frequencies;
    case RopeScaling::Kind::kLinear:
      return frequencies / config.rope_scaling.factor;
    case RopeScaling::Kind::kLlama3:
      return llama3_scaled(frequencies, config.rope_scaling);
  }
  return frequencies;
}

}  // namespace sft
