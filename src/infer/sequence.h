#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sft/infer/language_model.h"
#include "sft/model/kv_cache.h"
#include "sft/text/stream_decoder.h"
#include "sft/text/tokenizer.h"

namespace sft {

// What all sequences of a run share; outlives them.
struct SequenceRules {
  const Tokenizer& tokenizer;
  std::span<const int32_t> end_token_ids;
  int64_t context_length;
  int64_t num_layers;
};

// A request on its way: its cache, what it has said so far, and whether it has ended.
class Sequence {
 public:
  // Borrows both arguments. `index` is the request's place among all.
  Sequence(const GenerateRequest& request, size_t index, const SequenceRules& rules);

  const GenerateRequest& request() const { return request_; }
  size_t index() const { return index_; }
  KvCache& cache() { return cache_; }
  bool is_done() const { return is_done_; }
  int32_t last_id() const { return result_.token_ids.back(); }
  // Tokens of the prompt and the response so far.
  int64_t length() const;

  // Takes the next token, by the request's rule, out of its logits.
  void choose(std::span<const float> logits);
  GenerateResult take_result();

 private:
  void finish(FinishReason reason);
  // Ends the sequence where its text holds a stop string.
  void look_for_stop();

  const GenerateRequest& request_;
  size_t index_;
  const SequenceRules& rules_;
  KvCache cache_;
  StreamDecoder decoder_;
  GenerateResult result_;
  size_t searched_ = 0;  // bytes of the text in which no stop string can begin any more
  bool is_done_ = false;
};

}  // namespace sft
