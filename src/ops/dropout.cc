#include "sft/ops/dropout.h"

#include <array>
#include <cmath>

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>

#include "ops/cpu_kernels.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using at::Tensor;

constexpr int64_t kRowsPerTask = 8;

uint32_t threshold_of(double probability) {
  SFT_CHECK(probability >= 0 && probability < 1);
  return static_cast<uint32_t>(std::ldexp(probability, 32));
}

int64_t blocks_per_row(int64_t width) {
  return (width + kDropoutColumns - 1) / kDropoutColumns * (kDropoutColumns / 4);
}

template <typename T>
void drop_all(const Tensor& x, const Tensor& y, std::span<const DropoutRows> streams,
              double probability) {
  const int64_t width = x.size(1);
  const auto* const from = elements<T>(x);
  auto* const to = mutable_elements<T>(y);
  for (const DropoutRows& stream : streams) {
    const std::array<uint32_t, 2> key = stream.rng.key();
    const std::array<uint32_t, 2> name = stream.rng.stream();
    const DropoutKey dropout = {.key = {key[0], key[1]},
                                .stream = {name[0], name[1]},
                                .threshold = threshold_of(probability),
                                .scale = static_cast<float>(1 / (1 - probability))};
    at::parallel_for(stream.begin, stream.end, kRowsPerTask, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) {
        const auto first = static_cast<uint64_t>((row - stream.begin) * blocks_per_row(width));
        element_kernels<T>().dropout(from + row * width, to + row * width, width, first, dropout);
      }
    });
  }
}

}  // namespace

Tensor keyed_dropout_plain(const Tensor& x, std::span<const DropoutRows> streams,
                           double probability) {
  const int64_t width = x.size(1);
  Tensor factors = at::ones(x.sizes(), at::TensorOptions().dtype(at::kFloat));
  auto* const data = factors.mutable_data_ptr<float>();
  for (const DropoutRows& stream : streams) {
    for (int64_t row = stream.begin; row < stream.end; ++row) {
      for (int64_t column = 0; column < width; ++column) {
        const int64_t block =
            (row - stream.begin) * blocks_per_row(width) + column / 64 * 16 + column % 16;
        const uint32_t word =
            stream.rng.block(static_cast<uint64_t>(block))[static_cast<size_t>(column / 16 % 4)];
        data[row * width + column] =
            word < threshold_of(probability) ? 0 : static_cast<float>(1 / (1 - probability));
      }
    }
  }
  return (x.to(at::kFloat) * factors.to(x.device())).to(x.scalar_type());
}

Tensor keyed_dropout(const Tensor& x, std::span<const DropoutRows> streams, double probability) {
  if (!has_cpu_kernels(x)) {
    return keyed_dropout_plain(x, streams, probability);
  }
  const Tensor from = x.contiguous();
  Tensor y = from.clone();
  if (from.scalar_type() == at::kBFloat16) {
    drop_all<Bf16>(from, y, streams, probability);
  } else {
    drop_all<float>(from, y, streams, probability);
  }
  return y;
}

}  // namespace sft
