#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "infer/packing.h"

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
  // Borrows the request and the rules. `index` is the request's place among all.
  Sequence(const GenerateRequest& request, size_t index, const SequenceRules& rules,
           const SharedStart& start);

  const GenerateRequest& request() const { return request_; }
  size_t index() const { return index_; }
  KvCache& cache() { return cache_; }
  bool is_done() const { return is_done_; }
  // The prompt's and the response's so far.
  std::span<const int32_t> tokens() const { return tokens_; }
  // Tokens of the prompt that it shares with others.
  size_t num_shared_tokens() const { return num_shared_tokens_; }

  // Tokens that may follow the last one, as many as it could still take behind its next.
  std::vector<int32_t> guess(size_t most) const;
  // The token that comes `ahead` tokens behind the next one, by the request's rule, out of its
  // logits.
  int32_t choice(std::span<const float> logits, size_t ahead) const;
  // Takes the next token, the first of `choices`, and the one behind it as long as what had been
  // guessed in front of it is right. The cache then holds all tokens but the last.
  void take(std::span<const int32_t> choices, std::span<const int32_t> guess);
  GenerateResult take_result();

 private:
  void append(int32_t id);
  int64_t num_generated() const;
  // Ends the sequence where it may take no token more.
  void end_if_full();
  // Tokens that it may yet take.
  int64_t room() const;
  void finish(FinishReason reason);
  // Ends the sequence where its text holds a stop string.
  void look_for_stop();

  const GenerateRequest& request_;
  size_t index_;
  const SequenceRules& rules_;
  size_t num_shared_tokens_;
  std::vector<int32_t> tokens_;
  KvCache cache_;
  StreamDecoder decoder_;
  GenerateResult result_;
  size_t searched_ = 0;  // bytes of the text in which no stop string can begin any more
  bool is_done_ = false;
};

}  // namespace sft
