#include "sft/data/packed_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Pack, LaysSamplesOneAfterAnother) {
  const EncodedSample first = {
      .id = "a", .token_ids = {10, 11, 12, 13}, .targets = {{.begin = 2, .end = 4}}};
  const EncodedSample second = {.id = "b",
                                .token_ids = {20, 21, 22, 23, 24},
                                .targets = {{.begin = 1, .end = 2}, {.begin = 4, .end = 5}}};
  const std::vector<const EncodedSample*> samples = {&first, &second};
  const PackedBatch batch = pack(samples);
  EXPECT_THAT(batch.token_ids, ElementsAre(10, 11, 12, 13, 20, 21, 22, 23, 24));
  EXPECT_THAT(batch.positions, ElementsAre(0, 1, 2, 3, 0, 1, 2, 3, 4));
  EXPECT_THAT(batch.cu_seqlens, ElementsAre(0, 4, 9));
  // Each target is predicted at the token before it.
  EXPECT_THAT(batch.target_ids, ElementsAre(12, 13, 21, 24));
  EXPECT_THAT(batch.target_index, ElementsAre(1, 2, 4, 7));
}

TEST(Pack, OfNothingIsEmpty) {
  const PackedBatch batch = pack({});
  EXPECT_THAT(batch.token_ids, IsEmpty());
  EXPECT_THAT(batch.cu_seqlens, ElementsAre(0));
}

}  // namespace
}  // namespace sft
