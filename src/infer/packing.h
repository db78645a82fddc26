#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "infer/shared_prefix.h"

#include "sft/model/causal_lm.h"
#include "sft/model/kv_cache.h"

namespace sft {

// Token ids to a model, or rows of its tensors, on its device.
at::Tensor id_tensor(const std::vector<int64_t>& ids, const CausalLm& model);

// What a request begins with, computed for others too.
struct SharedStart {
  std::shared_ptr<const KvCache> cache;  // null: nothing
  size_t num_tokens = 0;
};

// Tokens of many sequences on their way through one forward pass.
class Packing {
 public:
  static constexpr size_t kMaxTokens = 4096;

  // Those of a sequence that come behind `start`. They are appended to `cache`, which begins with
  // it and outlives this; null: they are not kept.
  void add(std::span<const int32_t> sequence, const SharedStart& start, KvCache* cache);
  // One token more behind those of the last `add`.
  void extend(int32_t token);
  // A sequence's last token, and those guessed to follow it, behind what `cache` holds, to which
  // they are appended.
  void add_next(std::span<const int32_t> sequence, std::span<const int32_t> guess, KvCache& cache);
  // Those of a sequence from `first` on that others begin with, appended to `cache`.
  void add_shared(std::span<const int32_t> sequence, size_t first, std::shared_ptr<KvCache> cache);

  // Whether that many tokens more make no longer pass than is good; a first run always has room.
  bool has_room(size_t tokens) const { return ids_.empty() || ids_.size() + tokens <= kMaxTokens; }
  size_t size() const { return ids_.size(); }
  int64_t last_row() const { return static_cast<int64_t>(ids_.size()) - 1; }
  // [tokens, hidden]; see CausalLm.
  at::Tensor hidden_states(const CausalLm& model) const;

 private:
  void add_run(std::span<const int32_t> sequence, size_t first, const KvCache* before,
               KvCache* cache);

  std::vector<int64_t> ids_;
  std::vector<int64_t> positions_;
  std::vector<NewTokens> runs_;
  std::vector<std::shared_ptr<const KvCache>> shared_;  // what the runs point to
};

// The caches of what neighbours among requests begin with, each made for the first request that
// needs it and given up behind the last one, or when the last sequence that begins with it ends.
class SharedCaches {
 public:
  // Of each request, the tokens that may be shared; they outlive this.
  SharedCaches(std::vector<std::span<const int32_t>> requests, int64_t num_layers);

  // What a request begins with; requests are entered in their order, each once. Adds to the pass
  // what has to be computed for it.
  SharedStart enter(size_t request, Packing& packing);
  // Tokens that `enter` would add.
  size_t num_new_tokens(size_t request) const;
  // Tokens that are shared with a neighbour.
  size_t num_shared_tokens(size_t request) const;

 private:
  struct Open {
    SharedPrefix prefix;
    std::shared_ptr<KvCache> cache;
  };
  std::vector<std::span<const int32_t>> requests_;
  int64_t num_layers_;
  std::vector<SharedPrefix> prefixes_;
  size_t next_ = 0;  // prefix to be opened
  std::vector<Open> open_;
};

}  // namespace sft
