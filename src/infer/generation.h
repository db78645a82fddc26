#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "infer/packing.h"
#include "infer/sequence.h"

#include "sft/infer/language_model.h"
#include "sft/model/causal_lm.h"

namespace sft {

// Requests on their way from the first to the last: those that generate share each step, and the
// next take the places of those that have ended.
class Generation {
 public:
  // Borrows all three.
  Generation(const CausalLm& model, std::span<const GenerateRequest> requests,
             const SequenceRules& rules);

  bool is_done() const { return next_ == requests_.size() && active_.empty(); }
  // Computes the prompts of the requests for which there is room now, and their first tokens; where
  // there is none, a token of every sequence. Calls on_end for each sequence that has ended.
  void step(const std::function<void(Sequence&)>& on_end);

 private:
  // Of the cache, for the tokens that are not shared, should the response be as long as it may.
  int64_t most_bytes(const GenerateRequest& request, size_t num_shared) const;
  // For the next request, in this pass and among the sequences.
  bool has_room(const Packing& packing) const;
  void retire(const std::function<void(Sequence&)>& on_end);

  const CausalLm& model_;
  std::span<const GenerateRequest> requests_;
  const SequenceRules& rules_;
  int64_t bytes_per_token_;
  SharedCaches shared_;
  size_t next_ = 0;  // request to be admitted
  std::deque<Sequence> sequences_;
  std::vector<Sequence*> active_;
};

}  // namespace sft
