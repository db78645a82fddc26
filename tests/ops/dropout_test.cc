#include "sft/ops/dropout.h"

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace sft {
namespace {

using at::Tensor;

Tensor random(at::IntArrayRef shape, at::ScalarType type) {
  return at::randn(shape, at::detail::createCPUGenerator(5), at::TensorOptions()).to(type);
}

DropoutRows stream(const std::string& name, int64_t begin, int64_t end) {
  return {.rng = Rng(7, name), .begin = begin, .end = end};
}

Tensor dropped(const Tensor& x, const std::vector<DropoutRows>& streams, double probability) {
  return keyed_dropout(x, streams, probability);
}

class Dropout : public testing::TestWithParam<at::ScalarType> {};

TEST_P(Dropout, EqualsItsDefinitionAtEveryWidth) {
  for (const int64_t width : {1, 15, 16, 63, 64, 65, 200, 576}) {
    const Tensor x = random({11, width}, GetParam());
    const std::vector<DropoutRows> streams = {stream("a", 0, 1), stream("b", 1, 9)};
    EXPECT_TRUE(at::equal(keyed_dropout(x, streams, 0.3), keyed_dropout_plain(x, streams, 0.3)))
        << width;
  }
}

TEST_P(Dropout, DropsItsShareAndKeepsTheMean) {
  const Tensor x = at::ones({400, 500}, GetParam());
  const Tensor y = dropped(x, {stream("a", 0, 400)}, 0.25);
  EXPECT_NEAR((y == 0).to(at::kDouble).mean().item<double>(), 0.25, 0.004);
  EXPECT_NEAR(y.to(at::kDouble).mean().item<double>(), 1, 0.006);
}

INSTANTIATE_TEST_SUITE_P(Types, Dropout, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& info) { return std::string(at::toString(info.param)); });

TEST(KeyedDropout, AStreamIsTheSameWhereverItsRowsStand) {
  const Tensor rows = random({6, 100}, at::kFloat);
  const Tensor other = random({4, 100}, at::kFloat);
  const Tensor alone = dropped(rows, {stream("a", 0, 6)}, 0.5);
  const Tensor packed =
      dropped(at::cat({other, rows}), {stream("b", 0, 4), stream("a", 4, 10)}, 0.5);
  EXPECT_TRUE(at::equal(packed.slice(0, 4, 10), alone));
  EXPECT_FALSE(at::equal(packed.slice(0, 4, 8) == 0, packed.slice(0, 0, 4) == 0));
}

TEST(KeyedDropout, RowsOfNoStreamStay) {
  const Tensor x = random({5, 30}, at::kFloat);
  const Tensor y = dropped(x, {stream("a", 1, 3)}, 0.9);
  EXPECT_TRUE(at::equal(y.slice(0, 3, 5), x.slice(0, 3, 5)));
  EXPECT_TRUE(at::equal(y[0], x[0]));
  EXPECT_FALSE(at::equal(y, x));
}

}  // namespace
}  // namespace sft
