#include "sft/infer/engine.h"

#include <string>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>

#include "infer/generation.h"
#include "infer/packing.h"
#include "infer/sequence.h"

#include "sft/core/error.h"
#include "sft/model/causal_lm.h"
#include "sft/ops/linear_cross_entropy.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

using at::Tensor;

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
  for (size_t i = 0; i < requests.size(); ++i) {
    check_length(requests[i].prompt_ids.size(), context_length(), i);
    check_ids(requests[i].prompt_ids, *model_, i);
    SFT_CHECK(!requests[i].prompt_ids.empty());
  }
  const SequenceRules rules = {.tokenizer = *tokenizer_,
                               .end_token_ids = end_token_ids_,
                               .context_length = context_length(),
                               .num_layers = model_->config().shape.num_layers};
  Generation generation(*model_, requests, rules);
  while (!generation.is_done()) {
    generation.step([&](Sequence& sequence) {
      const size_t index = sequence.index();
      results[index] = sequence.take_result();
      if (on_done) {
        on_done(index, results[index]);
      }
    });
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
  // A prompt's last token predicts the completion's first, so that it is not shared.
  std::vector<std::span<const int32_t>> shareable;
  for (const ScoreRequest& request : requests) {
    shareable.push_back(std::span(request.prompt_ids).first(request.prompt_ids.size() - 1));
  }
  SharedCaches shared(std::move(shareable), model_->config().shape.num_layers);
  for (size_t begin = 0; begin < requests.size();) {
    Packing packing;
    std::vector<int64_t> rows;     // whose hidden state predicts
    std::vector<int64_t> targets;  // this token
    size_t end = begin;
    for (; end < requests.size(); ++end) {
      const auto& [prompt, completion] = requests[end];
      const size_t num_fed = prompt.size() + completion.size();
      if (!packing.has_room(shared.num_new_tokens(end) + num_fed - shared.num_shared_tokens(end))) {
        break;
      }
      packing.add(prompt, shared.enter(end, packing), nullptr);
      for (size_t i = 0; i < completion.size(); ++i) {
        if (i > 0) {
          packing.extend(completion[i - 1]);
        }
        rows.push_back(packing.last_row());
        targets.push_back(completion[i]);
      }
    }
    const Tensor hidden = packing.hidden_states(*model_);
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
