#include <algorithm>
#include <vector>

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty_like.h>

#include "ops/cpu_kernels.h"

#include "sft/ops/attention.h"

namespace sft {
namespace {

using at::Tensor;

// New tokens of a sequence that are asked together, and the keys that the first of them sees.
struct Tile {
  const CachedSequence* sequence;
  int64_t row;  // the first one's, among all queries
  int64_t tokens;
  int64_t seen;
};

// A part of the cache is in the processor's second cache while all that share it are asked; rows of
// queries past this many would not read it more quickly.
constexpr int64_t kTileRows = 16;

std::vector<Tile> tiles_of(std::span<const CachedSequence> sequences, int64_t group) {
  const int64_t most = std::max<int64_t>(1, kTileRows / group);
  std::vector<Tile> tiles;
  int64_t row = 0;
  for (const CachedSequence& sequence : sequences) {
    int64_t seen = 1 - sequence.new_tokens;
    for (const CachedTokens& part : sequence.parts) {
      seen += part.tokens;
    }
    for (int64_t begin = 0; begin < sequence.new_tokens; begin += most) {
      const int64_t tokens = std::min(most, sequence.new_tokens - begin);
      tiles.push_back(
          {.sequence = &sequence, .row = row + begin, .tokens = tokens, .seen = seen + begin});
    }
    row += sequence.new_tokens;
  }
  return tiles;
}

// What a tile sees of a key head: keys [first, last) of its sequence.
template <typename T>
void find_spans(const Tile& tile, int64_t head, int64_t first, int64_t last,
                std::vector<KeySpan<T>>& spans) {
  spans.clear();
  int64_t passed = 0;
  for (const CachedTokens& part : tile.sequence->parts) {
    const int64_t begin = std::max<int64_t>(first - passed, 0);
    const int64_t end = std::min(last - passed, part.tokens);
    passed += part.tokens;
    if (begin < end) {
      const Tensor& keys = part.keys;
      const Tensor& values = part.values;
      spans.push_back(
          {.keys = elements<T>(keys) + head * keys.stride(0) + begin * keys.stride(1),
           .values = elements<T>(values) + head * values.stride(0) + begin * values.stride(1),
           .tokens = end - begin,
           .key_stride = keys.stride(1),
           .value_stride = values.stride(1)});
    }
  }
}

// A key head after another and, for each, a tile after another, by all threads.
template <typename T>
void attend_tiles(const Tensor& queries, std::span<const CachedSequence> sequences,
                  const AttentionRule& rule, const Tensor& out) {
  const int64_t kv_heads = sequences.front().parts.front().keys.size(0);
  const int64_t group = queries.size(1) / kv_heads;
  const int64_t width = queries.size(2);
  const ScoreFactors factors = factors_of(rule);
  const std::vector<Tile> tiles = tiles_of(sequences, group);
  const auto work = [&](int64_t begin, int64_t end) {
    std::vector<float> scratch;
    std::vector<KeySpan<T>> spans;
    for (int64_t item = begin; item < end; ++item) {
      const int64_t head = item / std::ssize(tiles);
      const Tile& tile = tiles[static_cast<size_t>(item % std::ssize(tiles))];
      const int64_t first = rule.window == 0 ? 0 : std::max<int64_t>(0, tile.seen - rule.window);
      const int64_t last = tile.seen + tile.tokens - 1;
      find_spans(tile, head, first, last, spans);
      const TileShape shape = {.tokens = tile.tokens,
                               .group = group,
                               .head_dim = width,
                               .stride = queries.stride(0),
                               .keys = last - first,
                               .seen = tile.seen - first,
                               .window = rule.window};
      scratch.resize(std::max(scratch.size(),
                              static_cast<size_t>(tile.tokens * group * (shape.keys + width + 1))));
      const int64_t place = tile.row * queries.stride(0) + head * group * width;
      element_kernels<T>().cached_attention(elements<T>(queries) + place, spans.data(),
                                            std::ssize(spans), mutable_elements<T>(out) + place,
                                            scratch.data(), shape, factors);
    }
  };
  at::parallel_for(0, std::ssize(tiles) * kv_heads, /*grain_size=*/1, work);
}

}  // namespace

Tensor cached_attention(const Tensor& queries, std::span<const CachedSequence> sequences,
                        const AttentionRule& rule) {
  if (has_cpu_kernels(queries)) {
    const Tensor packed = queries.contiguous();
    Tensor out = at::empty_like(packed);
    if (packed.scalar_type() == at::kFloat) {
      attend_tiles<float>(packed, sequences, rule, out);
    } else {
      attend_tiles<Bf16>(packed, sequences, rule, out);
    }
    return out;
  }
  std::vector<Tensor> outputs;
  int64_t row = 0;
  for (const CachedSequence& sequence : sequences) {
    outputs.push_back(
        cached_attention_plain(queries.slice(0, row, row + sequence.new_tokens), sequence, rule));
    row += sequence.new_tokens;
  }
  return at::cat(outputs, 0);
}

}  // namespace sft
