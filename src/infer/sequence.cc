#include "infer/sequence.h"

#include <algorithm>
#include <utility>

#include "infer/guess.h"
#include "infer/sampling.h"

namespace sft {

Sequence::Sequence(const GenerateRequest& request, size_t index, const SequenceRules& rules,
                   const SharedStart& start)
    : request_(request),
      index_(index),
      rules_(rules),
      num_shared_tokens_(start.num_tokens),
      tokens_(request.prompt_ids),
      cache_(rules.num_layers, start.cache),
      decoder_(rules.tokenizer, DecodeSpecial::kSkip) {
  end_if_full();
}

int64_t Sequence::num_generated() const {
  return std::ssize(tokens_) - std::ssize(request_.prompt_ids);
}

void Sequence::end_if_full() {
  if (num_generated() >= request_.max_new_tokens) {
    finish(FinishReason::kLength);
  } else if (std::ssize(tokens_) >= rules_.context_length) {
    finish(FinishReason::kContext);
  }
}

int64_t Sequence::room() const {
  return std::min(request_.max_new_tokens - num_generated(),
                  rules_.context_length - std::ssize(tokens_));
}

std::vector<int32_t> Sequence::guess(size_t most) const {
  return guess_next(tokens_, std::min(most, static_cast<size_t>(room() - 1)));
}

int32_t Sequence::choice(std::span<const float> logits, size_t ahead) const {
  return choose_token(logits, request_.sampling, request_.seed_index,
                      std::ssize(tokens_) + static_cast<int64_t>(ahead));
}

void Sequence::take(std::span<const int32_t> choices, std::span<const int32_t> guess) {
  for (size_t i = 0; i < choices.size() && !is_done_; ++i) {
    append(choices[i]);
    if (i < guess.size() && choices[i] != guess[i]) {
      break;
    }
  }
  if (!is_done_) {
    cache_.truncate(std::ssize(tokens_) - 1);
  }
}

void Sequence::append(int32_t id) {
  tokens_.push_back(id);
  if (std::ranges::find(rules_.end_token_ids, id) != rules_.end_token_ids.end()) {
    finish(FinishReason::kEos);
    return;
  }
  // A padded embedding has ids that no token is behind; they say nothing.
  if (id < rules_.tokenizer.vocab_size()) {
    result_.text += decoder_.push(id);
  }
  look_for_stop();
  if (!is_done_) {
    end_if_full();
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
  result_.token_ids.assign(tokens_.end() - num_generated(), tokens_.end());
  return std::move(result_);
}

}  // namespace sft
