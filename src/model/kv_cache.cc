#include "sft/model/kv_cache.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>

#include "sft/core/error.h"

namespace sft {
namespace {

using at::Tensor;

constexpr int64_t kFirstSpare = 64;  // tokens of room behind the first append

// A tensor of `capacity` tokens that begins with the `length` tokens of `old`.
Tensor grown(const Tensor& old, const Tensor& like, int64_t length, int64_t capacity) {
  Tensor tensor = at::empty({like.size(1), capacity, like.size(2)}, like.options());
  if (length > 0) {
    tensor.slice(1, 0, length).copy_(old.slice(1, 0, length));
  }
  return tensor;
}

}  // namespace

void KvCache::append(int64_t layer, const Tensor& keys, const Tensor& values) {
  Layer& place = layers_.at(static_cast<size_t>(layer));
  const int64_t needed = place.length + keys.size(0);
  const int64_t capacity = place.keys.defined() ? place.keys.size(1) : 0;
  if (needed > capacity) {
    const int64_t larger = std::max(needed + kFirstSpare, 2 * capacity);
    place.keys = grown(place.keys, keys, place.length, larger);
    place.values = grown(place.values, values, place.length, larger);
  }
  place.keys.slice(1, place.length, needed).copy_(keys.transpose(0, 1));
  place.values.slice(1, place.length, needed).copy_(values.transpose(0, 1));
  place.length = needed;
}

Tensor KvCache::keys(int64_t layer) const {
  const Layer& place = layers_.at(static_cast<size_t>(layer));
  return place.keys.slice(1, 0, place.length);
}

Tensor KvCache::values(int64_t layer) const {
  const Layer& place = layers_.at(static_cast<size_t>(layer));
  return place.values.slice(1, 0, place.length);
}

Tensor PrefillAttention::attend(int64_t layer, const AttentionInput& input) {
  for (size_t i = 0; i < caches_.size(); ++i) {
    SFT_CHECK(layer > 0 || caches_[i]->length() == 0);
    const int64_t begin = cu_seqlens_[i];
    const int64_t end = cu_seqlens_[i + 1];
    caches_[i]->append(layer, input.keys.slice(0, begin, end), input.values.slice(0, begin, end));
  }
  return attention(input.queries, input.keys, input.values, cu_seqlens_, input.rule);
}

Tensor DecodeAttention::attend(int64_t layer, const AttentionInput& input) {
  Tensor output = at::empty_like(input.queries);
  for (size_t i = 0; i < caches_.size(); ++i) {
    const auto row = static_cast<int64_t>(i);
    KvCache& cache = *caches_[i];
    cache.append(layer, input.keys.slice(0, row, row + 1), input.values.slice(0, row, row + 1));
    output.select(0, row).copy_(cached_attention(input.queries.select(0, row), cache.keys(layer),
                                                 cache.values(layer), input.rule));
  }
  return output;
}

}  // namespace sft
