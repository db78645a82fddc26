#include "infer/sequence.h"

#include <algorithm>
#include <utility>

#include "infer/sampling.h"

namespace sft {

Sequence::Sequence(const GenerateRequest& request, size_t index, const SequenceRules& rules)
    : request_(request),
      index_(index),
      rules_(rules),
      cache_(rules.num_layers),
      decoder_(rules.tokenizer, DecodeSpecial::kSkip) {
  if (request.max_new_tokens <= 0) {
    finish(FinishReason::kLength);
  } else if (length() >= rules.context_length) {
    finish(FinishReason::kContext);
  }
}

int64_t Sequence::length() const {
  return static_cast<int64_t>(request_.prompt_ids.size() + result_.token_ids.size());
}

void Sequence::choose(std::span<const float> logits) {
  const int32_t id = choose_token(logits, request_.sampling, request_.seed_index, length());
  result_.token_ids.push_back(id);
  if (std::ranges::find(rules_.end_token_ids, id) != rules_.end_token_ids.end()) {
    finish(FinishReason::kEos);
    return;
  }
  // A padded embedding has ids that no token is behind; they say nothing.
  if (id < rules_.tokenizer.vocab_size()) {
    result_.text += decoder_.push(id);
  }
  look_for_stop();
  if (is_done_) {
    return;
  }
  if (static_cast<int64_t>(result_.token_ids.size()) >= request_.max_new_tokens) {
    finish(FinishReason::kLength);
  } else if (length() >= rules_.context_length) {
    finish(FinishReason::kContext);
  }
}

void Sequence::look_for_stop() {
  size_t found = std::string::npos;
  size_t longest = 0;
  for (const std::string& stop : request_.stops) {
    found = std::min(found, result_.text.find(stop, searched_));
    longest = std::max(longest, stop.size());
  }
  if (found != std::string::npos) {
    finish(FinishReason::kStop);
    result_.text.resize(found);
    return;
  }
  // A stop string may yet begin in the last bytes.
  searched_ = result_.text.size() - std::min(result_.text.size(), longest);
}

void Sequence::finish(FinishReason reason) {
  is_done_ = true;
  result_.finish = reason;
  result_.text += decoder_.finish();
  cache_ = KvCache(1);  // gives its memory back
}

GenerateResult Sequence::take_result() {
  return std::move(result_);
}

}  // namespace sft
