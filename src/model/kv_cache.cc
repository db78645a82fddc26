#include "sft/model/kv_cache.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <ATen/ops/empty.h>

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

// Rows [tokens, kv_heads, head_dim] behind the first `length` tokens of [kv_heads, capacity,
// head_dim]. A step of generation does this for each sequence and layer, where LibTorch's views
// would cost more than the copies.
void append_rows(const Tensor& cache, int64_t length, const Tensor& from, KvCache::Rows rows) {
  if (!cache.is_cpu() || !from.is_contiguous()) {
    cache.slice(1, length, length + rows.end - rows.begin)
        .copy_(from.slice(0, rows.begin, rows.end).transpose(0, 1));
    return;
  }
  const int64_t kv_heads = cache.size(0);
  const int64_t capacity = cache.size(1);
  const int64_t bytes = cache.size(2) * static_cast<int64_t>(cache.element_size());
  auto* const to = static_cast<std::byte*>(cache.mutable_data_ptr());
  const auto* const source = static_cast<const std::byte*>(from.const_data_ptr());
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    for (int64_t head = 0; head < kv_heads; ++head) {
      std::memcpy(to + (head * capacity + length + row - rows.begin) * bytes,
                  source + (row * kv_heads + head) * bytes, static_cast<size_t>(bytes));
    }
  }
}

}  // namespace

void KvCache::append(int64_t layer, const Tensor& keys, const Tensor& values, Rows rows) {
  Layer& place = layers_.at(static_cast<size_t>(layer));
  const int64_t needed = place.length + rows.end - rows.begin;
  const int64_t capacity = place.keys.defined() ? place.keys.size(1) : 0;
  if (needed > capacity) {
    const int64_t larger = std::max(needed + kFirstSpare, 2 * capacity);
    place.keys = grown(place.keys, keys, place.length, larger);
    place.values = grown(place.values, values, place.length, larger);
  }
  append_rows(place.keys, place.length, keys, rows);
  append_rows(place.values, place.length, values, rows);
  place.length = needed;
}

void KvCache::add_parts(int64_t layer, std::vector<CachedTokens>& parts) const {
  if (prefix_) {
    prefix_->add_parts(layer, parts);
  }
  const Layer& place = layers_.at(static_cast<size_t>(layer));
  if (place.length > 0) {
    parts.push_back({.keys = place.keys, .values = place.values, .tokens = place.length});
  }
}

void KvCache::truncate(int64_t length) {
  const int64_t own = length - (prefix_ ? prefix_->length() : 0);
  SFT_CHECK(own >= 0);
  for (Layer& layer : layers_) {
    layer.length = std::min(layer.length, own);
  }
}

int64_t KvCache::length() const {
  return (prefix_ ? prefix_->length() : 0) + layers_.back().length;
}

CachedAttention::CachedAttention(std::vector<NewTokens> runs) : runs_(std::move(runs)) {}

Tensor CachedAttention::attend(int64_t layer, const AttentionInput& input) {
  for (const NewTokens& run : runs_) {
    if (run.cache != nullptr) {
      run.cache->append(layer, input.keys, input.values, run.rows);
    }
  }
  std::vector<CachedSequence> sequences;
  sequences.reserve(runs_.size());
  for (const auto& [rows, before, cache] : runs_) {
    CachedSequence& sequence = sequences.emplace_back();
    sequence.new_tokens = rows.end - rows.begin;
    if (cache != nullptr) {
      cache->add_parts(layer, sequence.parts);
      continue;
    }
    if (before != nullptr) {
      before->add_parts(layer, sequence.parts);
    }
    sequence.parts.push_back({.keys = input.keys.slice(0, rows.begin, rows.end).transpose(0, 1),
                              .values = input.values.slice(0, rows.begin, rows.end).transpose(0, 1),
                              .tokens = sequence.new_tokens});
  }
  return cached_attention(input.queries, sequences, input.rule);
}

}  // namespace sft
