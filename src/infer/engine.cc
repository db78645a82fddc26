#include "sft/infer/engine.h"

#include <algorithm>
#include <deque>
#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>

#include "infer/sampling.h"
#include "infer/sequence.h"

#include "sft/core/error.h"
#include "sft/model/causal_lm.h"
#include "sft/model/kv_cache.h"
#include "sft/ops/linear_cross_entropy.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

using at::Tensor;

// Sequences that share a step: past this a step's products grow faster than the weights' reading
// is shared.
constexpr size_t kMaxSequences = 32;
// Tokens of one packed forward pass over prompts; a longer prompt makes one of its own.
constexpr size_t kMaxPackedTokens = 4096;

Tensor id_tensor(const std::vector<int64_t>& ids, const CausalLm& model) {
  return at::tensor(ids).to(model.output_weight().device());
}

// Token lists packed one after another.
struct Packing {
  std::vector<int64_t> ids;
  std::vector<int64_t> positions;
  std::vector<int32_t> cu_seqlens = {0};

  void add(std::span<const int32_t> tokens) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      ids.push_back(tokens[i]);
      positions.push_back(static_cast<int64_t>(i));
    }
    cu_seqlens.push_back(static_cast<int32_t>(ids.size()));
  }
  bool has_room(size_t tokens) const {
    return ids.empty() || ids.size() + tokens <= kMaxPackedTokens;
  }
};

// Logits [rows, vocab] in float32 of hidden states [rows, hidden].
Tensor logits_of(const Tensor& hidden, const CausalLm& model) {
  return capped_logits(hidden, model.output_weight(), model.config().logit_soft_cap)
      .cpu()
      .contiguous();
}

void check_ids(std::span<const int32_t> ids, const CausalLm& model, size_t request) {
  const int64_t vocab = model.config().shape.vocab_size;
  for (const int32_t id : ids) {
    if (id < 0 || id >= vocab) {
      throw Error("input " + std::to_string(request + 1) + ": token id " + std::to_string(id) +
                  " is outside the model's vocabulary of " + std::to_string(vocab));
    }
  }
}

void check_length(size_t tokens, int64_t limit, size_t request) {
  if (static_cast<int64_t>(tokens) > limit) {
    throw Error("input " + std::to_string(request + 1) + ": " + std::to_string(tokens) +
                " tokens exceed the model's context of " + std::to_string(limit));
  }
}

// Computes the prompts of `batch` into their caches and chooses each one's first token.
void prefill(const CausalLm& model, std::span<Sequence* const> batch) {
  Packing packing;
  std::vector<KvCache*> caches;
  std::vector<int64_t> last_rows;
  for (Sequence* const sequence : batch) {
    packing.add(sequence->request().prompt_ids);
    caches.push_back(&sequence->cache());
    last_rows.push_back(static_cast<int64_t>(packing.ids.size()) - 1);
  }
  PrefillAttention pattern(packing.cu_seqlens, caches);
  const Tensor hidden =
      model.hidden_states({id_tensor(packing.ids, model), id_tensor(packing.positions, model)},
                          pattern, Recompute::kNothing);
  const Tensor logits = logits_of(at::index_select(hidden, 0, id_tensor(last_rows, model)), model);
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i]->choose({logits[static_cast<int64_t>(i)].const_data_ptr<float>(),
                      static_cast<size_t>(logits.size(1))});
  }
}

// One more token for every sequence of `batch`.
void decode_step(const CausalLm& model, std::span<Sequence* const> batch) {
  std::vector<int64_t> ids;
  std::vector<int64_t> positions;
  std::vector<KvCache*> caches;
  for (Sequence* const sequence : batch) {
    ids.push_back(sequence->last_id());
    positions.push_back(sequence->length() - 1);
    caches.push_back(&sequence->cache());
  }
  DecodeAttention pattern(caches);
  const Tensor hidden = model.hidden_states({id_tensor(ids, model), id_tensor(positions, model)},
                                            pattern, Recompute::kNothing);
  const Tensor logits = logits_of(hidden, model);
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i]->choose({logits[static_cast<int64_t>(i)].const_data_ptr<float>(),
                      static_cast<size_t>(logits.size(1))});
  }
}

}  // namespace

Engine::Engine(std::unique_ptr<CausalLm> model, std::unique_ptr<Tokenizer> tokenizer)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      end_token_ids_(model_->config().eos_token_ids) {
  if (tokenizer_->eos_id().has_value()) {
    end_token_ids_.push_back(*tokenizer_->eos_id());
  }
}

Engine::~Engine() = default;

int64_t Engine::context_length() const {
  return model_->config().shape.context_length;
}

std::vector<GenerateResult> Engine::generate(std::span<const GenerateRequest> requests,
                                             const OnGenerated& on_done) {
  const at::NoGradGuard no_grad;
  std::vector<GenerateResult> results(requests.size());
  std::deque<Sequence> sequences;
  for (size_t i = 0; i < requests.size(); ++i) {
    check_length(requests[i].prompt_ids.size(), context_length(), i);
    check_ids(requests[i].prompt_ids, *model_, i);
    SFT_CHECK(!requests[i].prompt_ids.empty());
  }
  const SequenceRules rules = {.tokenizer = *tokenizer_,
                               .end_token_ids = end_token_ids_,
                               .context_length = context_length(),
                               .num_layers = model_->config().shape.num_layers};
  std::vector<Sequence*> active;
  size_t next = 0;
  const auto retire = [&] {
    std::erase_if(active, [&](Sequence* sequence) {
      if (!sequence->is_done()) {
        return false;
      }
      const size_t index = sequence->index();
      results[index] = sequence->take_result();
      if (on_done) {
        on_done(index, results[index]);
      }
      return true;
    });
    while (!sequences.empty() && sequences.front().is_done()) {
      sequences.pop_front();
    }
  };
  while (next < requests.size() || !active.empty()) {
    std::vector<Sequence*> fresh;
    size_t tokens = 0;
    while (next < requests.size() && active.size() + fresh.size() < kMaxSequences &&
           (fresh.empty() || tokens + requests[next].prompt_ids.size() <= kMaxPackedTokens)) {
      tokens += requests[next].prompt_ids.size();
      fresh.push_back(&sequences.emplace_back(requests[next], next, rules));
      ++next;
    }
    std::erase_if(fresh, [&](Sequence* sequence) {
      // Nothing to generate: no room, or no token asked for.
      active.insert(active.end(), sequence->is_done() ? 1 : 0, sequence);
      return sequence->is_done();
    });
    retire();
    if (!fresh.empty()) {
      prefill(*model_, fresh);
      active.insert(active.end(), fresh.begin(), fresh.end());
    } else if (!active.empty()) {
      decode_step(*model_, active);
    }
    retire();
  }
  return results;
}

std::vector<ScoreResult> Engine::score(std::span<const ScoreRequest> requests,
                                       const OnScored& on_done) {
  const at::NoGradGuard no_grad;
  std::vector<ScoreResult> results(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    SFT_CHECK(!requests[i].prompt_ids.empty());
    check_length(requests[i].prompt_ids.size() + requests[i].completion_ids.size(),
                 context_length(), i);
    check_ids(requests[i].prompt_ids, *model_, i);
    check_ids(requests[i].completion_ids, *model_, i);
  }
  for (size_t begin = 0; begin < requests.size();) {
    Packing packing;
    std::vector<int64_t> rows;     // whose hidden state predicts
    std::vector<int64_t> targets;  // this token
    size_t end = begin;
    int64_t shared_row = -1;  // where the prompt of the request before ends
    for (; end < requests.size(); ++end) {
      const ScoreRequest& request = requests[end];
      // Single tokens behind one prompt, as the letters of a question's choices, need it once.
      if (shared_row >= 0 && request.completion_ids.size() == 1 &&
          request.prompt_ids == requests[end - 1].prompt_ids) {
        rows.push_back(shared_row);
        targets.push_back(request.completion_ids.front());
        continue;
      }
      std::vector<int32_t> tokens = request.prompt_ids;
      tokens.insert(tokens.end(), request.completion_ids.begin(), request.completion_ids.end());
      if (!packing.has_room(tokens.size())) {
        break;
      }
      const auto first = static_cast<int64_t>(packing.ids.size() + request.prompt_ids.size());
      for (size_t i = 0; i < request.completion_ids.size(); ++i) {
        rows.push_back(first + static_cast<int64_t>(i) - 1);
        targets.push_back(request.completion_ids[i]);
      }
      packing.add(tokens);
      shared_row = first - 1;
    }
    PackedAttention pattern(packing.cu_seqlens);
    const Tensor hidden = model_->hidden_states(
        {id_tensor(packing.ids, *model_), id_tensor(packing.positions, *model_)}, pattern,
        Recompute::kNothing);
    const TokenLogprobs scored = token_logprobs(
        at::index_select(hidden, 0, id_tensor(rows, *model_)), model_->output_weight(),
        id_tensor(targets, *model_), model_->config().logit_soft_cap);
    const Tensor logprobs = scored.logprobs.cpu();
    const Tensor is_greedy = scored.is_greedy.cpu();
    const auto* logprob = logprobs.const_data_ptr<float>();
    const auto* greedy = is_greedy.const_data_ptr<bool>();
    for (; begin < end; ++begin) {
      ScoreResult& result = results[begin];
      for (size_t i = 0; i < requests[begin].completion_ids.size(); ++i) {
        result.token_logprobs.push_back(*logprob++);
        result.is_greedy = *greedy++ && result.is_greedy;
      }
      if (on_done) {
        on_done(begin, result);
      }
    }
  }
  return results;
}

}  // namespace sft
