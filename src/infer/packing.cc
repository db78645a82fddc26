#include "infer/packing.h"

#include <utility>

#include <ATen/ops/tensor.h>

namespace sft {

using at::Tensor;

Tensor id_tensor(const std::vector<int64_t>& ids, const CausalLm& model) {
  return at::tensor(ids).to(model.output_weight().device());
}

void Packing::add(std::span<const int32_t> sequence, const SharedStart& start, KvCache* cache) {
  shared_.push_back(start.cache);
  add_run(sequence, start.num_tokens, start.cache.get(), cache);
}

void Packing::add_shared(std::span<const int32_t> sequence, size_t first,
                         std::shared_ptr<KvCache> cache) {
  add_run(sequence, first, nullptr, cache.get());
  shared_.push_back(std::move(cache));
}

void Packing::add_run(std::span<const int32_t> sequence, size_t first, const KvCache* before,
                      KvCache* cache) {
  const auto begin = static_cast<int64_t>(ids_.size());
  for (size_t i = first; i < sequence.size(); ++i) {
    ids_.push_back(sequence[i]);
    positions_.push_back(static_cast<int64_t>(i));
  }
  runs_.push_back({.rows = {.begin = begin, .end = static_cast<int64_t>(ids_.size())},
                   .before = before,
                   .cache = cache});
}

void Packing::extend(int32_t token) {
  ids_.push_back(token);
  positions_.push_back(positions_.back() + 1);
  ++runs_.back().rows.end;
}

void Packing::add_next(std::span<const int32_t> sequence, std::span<const int32_t> guess,
                       KvCache& cache) {
  add_run(sequence, sequence.size() - 1, nullptr, &cache);
  for (const int32_t token : guess) {
    extend(token);
  }
}

Tensor Packing::hidden_states(const CausalLm& model) const {
  CachedAttention pattern(runs_);
  return model.hidden_states({id_tensor(ids_, model), id_tensor(positions_, model)}, pattern,
                             Recompute::kNothing);
}

SharedCaches::SharedCaches(std::vector<std::span<const int32_t>> requests, int64_t num_layers)
    : requests_(std::move(requests)),
      num_layers_(num_layers),
      prefixes_(find_shared_prefixes(requests_)) {}

SharedStart SharedCaches::enter(size_t request, Packing& packing) {
  while (!open_.empty() && open_.back().prefix.last <= request) {
    open_.pop_back();
  }
  for (; next_ < prefixes_.size() && prefixes_[next_].first == request; ++next_) {
    const SharedPrefix& prefix = prefixes_[next_];
    auto cache =
        std::make_shared<KvCache>(num_layers_, open_.empty() ? nullptr : open_.back().cache);
    packing.add_shared(requests_[request].first(prefix.end), prefix.begin, cache);
    open_.push_back({.prefix = prefix, .cache = std::move(cache)});
  }
  return open_.empty()
             ? SharedStart{}
             : SharedStart{.cache = open_.back().cache, .num_tokens = open_.back().prefix.end};
}

size_t SharedCaches::num_new_tokens(size_t request) const {
  size_t count = 0;
  for (size_t i = next_; i < prefixes_.size() && prefixes_[i].first == request; ++i) {
    count += prefixes_[i].end - prefixes_[i].begin;
  }
  return count;
}

size_t SharedCaches::num_shared_tokens(size_t request) const {
  size_t count = 0;
  for (const Open& open : open_) {
    count = request < open.prefix.last ? open.prefix.end : count;
  }
  for (size_t i = next_; i < prefixes_.size() && prefixes_[i].first == request; ++i) {
    count = prefixes_[i].end;
  }
  return count;
}

}  // namespace sft
