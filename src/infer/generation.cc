#include "infer/generation.h"

#include <algorithm>

#include <ATen/Parallel.h>
#include <ATen/ops/index_select.h>

#include "sft/ops/linear_cross_entropy.h"

namespace sft {
namespace {

using at::Tensor;

// Sequences that share a step: past this a step's products grow faster than the weights' reading
// is shared.
constexpr size_t kMaxSequences = 64;
// Bytes that their caches may come to, should each response be as long as it may. A number of its
// own, not a share of this machine's memory: batches, and with them roundings, depend on the
// requests alone.
constexpr int64_t kMaxCacheBytes = int64_t{4} << 30;
// Tokens guessed of each sequence in a step.
constexpr size_t kMaxGuess = 7;
// Rows of logits at a time: a vocabulary of 150,000 makes 900 kB of each.
constexpr int64_t kMaxLogitRows = 256;

// All but a prompt's last token, whose hidden state says what comes next.
std::vector<std::span<const int32_t>> shareable_tokens(std::span<const GenerateRequest> requests) {
  std::vector<std::span<const int32_t>> tokens;
  for (const GenerateRequest& request : requests) {
    tokens.push_back(std::span(request.prompt_ids).first(request.prompt_ids.size() - 1));
  }
  return tokens;
}

int64_t cache_bytes_per_token(const CausalLm& model) {
  const ModelShape& shape = model.config().shape;
  return 2 * shape.num_layers * shape.num_kv_heads * shape.head_dim *
         static_cast<int64_t>(model.output_weight().element_size());
}

// A row of hidden states whose logits give a sequence's token.
struct Asked {
  const Sequence* sequence;
  size_t ahead;  // tokens behind the sequence's last one that are guessed
};

// The tokens that come of hidden states [asked, hidden].
std::vector<int32_t> choose_tokens(const CausalLm& model, const Tensor& hidden,
                                   std::span<const Asked> asked) {
  std::vector<int32_t> ids(asked.size());
  for (int64_t first = 0; first < std::ssize(asked); first += kMaxLogitRows) {
    const int64_t last = std::min(first + kMaxLogitRows, std::ssize(asked));
    const Tensor logits = capped_logits(hidden.slice(0, first, last), model.output_weight(),
                                        model.config().logit_soft_cap)
                              .cpu()
                              .contiguous();
    const auto* const data = logits.const_data_ptr<float>();
    const auto vocab = static_cast<size_t>(logits.size(1));
    at::parallel_for(first, last, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto& [sequence, ahead] = asked[static_cast<size_t>(i)];
        ids[static_cast<size_t>(i)] =
            sequence->choice({data + static_cast<size_t>(i - first) * vocab, vocab}, ahead);
      }
    });
  }
  return ids;
}

// One more token of every sequence, and of each those that were guessed rightly.
void decode(const CausalLm& model, std::span<Sequence* const> batch) {
  Packing packing;
  std::vector<std::vector<int32_t>> guesses;
  std::vector<Asked> asked;
  for (Sequence* const sequence : batch) {
    const std::vector<int32_t>& guess = guesses.emplace_back(sequence->guess(kMaxGuess));
    packing.add_next(sequence->tokens(), guess, sequence->cache());
    for (size_t ahead = 0; ahead <= guess.size(); ++ahead) {
      asked.push_back({.sequence = sequence, .ahead = ahead});
    }
  }
  const std::vector<int32_t> ids = choose_tokens(model, packing.hidden_states(model), asked);
  auto id = ids.begin();
  for (size_t i = 0; i < batch.size(); ++i) {
    batch[i]->take({id, id + 1 + std::ssize(guesses[i])}, guesses[i]);
    id += 1 + std::ssize(guesses[i]);
  }
}

}  // namespace

Generation::Generation(const CausalLm& model, std::span<const GenerateRequest> requests,
                       const SequenceRules& rules)
    : model_(model),
      requests_(requests),
      rules_(rules),
      bytes_per_token_(cache_bytes_per_token(model)),
      shared_(shareable_tokens(requests), rules.num_layers) {}

void Generation::step(const std::function<void(Sequence&)>& on_end) {
  Packing packing;
  std::vector<Sequence*> fresh;
  std::vector<Asked> asked;
  std::vector<int64_t> last_rows;
  bool has_admitted = false;
  for (; next_ < requests_.size() && has_room(packing); ++next_) {
    const SharedStart start = shared_.enter(next_, packing);
    Sequence& sequence = sequences_.emplace_back(requests_[next_], next_, rules_, start);
    active_.push_back(&sequence);
    has_admitted = true;
    if (!sequence.is_done()) {  // something is asked for, and there is room for it
      packing.add(requests_[next_].prompt_ids, start, &sequence.cache());
      fresh.push_back(&sequence);
      asked.push_back({.sequence = &sequence, .ahead = 0});
      last_rows.push_back(packing.last_row());
    }
  }
  if (packing.size() > 0) {
    const Tensor hidden = packing.hidden_states(model_);
    const std::vector<int32_t> ids =
        choose_tokens(model_, at::index_select(hidden, 0, id_tensor(last_rows, model_)), asked);
    for (size_t i = 0; i < ids.size(); ++i) {
      fresh[i]->take({&ids[i], 1}, {});
    }
  } else if (!has_admitted) {
    decode(model_, active_);
  }
  retire(on_end);
}

void Generation::retire(const std::function<void(Sequence&)>& on_end) {
  std::erase_if(active_, [&](Sequence* sequence) {
    if (sequence->is_done()) {
      on_end(*sequence);
    }
    return sequence->is_done();
  });
  while (!sequences_.empty() && sequences_.front().is_done()) {
    sequences_.pop_front();
  }
}

int64_t Generation::most_bytes(const GenerateRequest& request, size_t num_shared) const {
  const auto prompt = static_cast<int64_t>(request.prompt_ids.size());
  const int64_t tokens = std::min(prompt + request.max_new_tokens, rules_.context_length);
  return (tokens - static_cast<int64_t>(num_shared)) * bytes_per_token_;
}

bool Generation::has_room(const Packing& packing) const {
  if (active_.empty()) {
    return true;
  }
  const GenerateRequest& request = requests_[next_];
  const size_t num_shared = shared_.num_shared_tokens(next_);
  int64_t bytes = most_bytes(request, num_shared);
  for (const Sequence* const sequence : active_) {
    bytes += most_bytes(sequence->request(), sequence->num_shared_tokens());
  }
  const size_t tokens = request.prompt_ids.size() - num_shared + shared_.num_new_tokens(next_);
  return active_.size() < kMaxSequences && bytes <= kMaxCacheBytes && packing.has_room(tokens);
}

}  // namespace sft
