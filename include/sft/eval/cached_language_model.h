#pragma once

#include "sft/eval/response_cache.h"
#include "sft/infer/language_model.h"

namespace sft {

// A model that remembers: what `cache` holds is answered from it, the rest asked of `model`, each
// answer being kept before `on_done` hears of it, so that a run which that ends loses none. What is
// asked twice in one call is asked of the model once. Borrows both.
class CachedLanguageModel final : public LanguageModel {
 public:
  CachedLanguageModel(LanguageModel& model, ResponseCache& cache) : model_(model), cache_(cache) {}

  const Tokenizer& tokenizer() const override { return model_.tokenizer(); }
  int64_t context_length() const override { return model_.context_length(); }
  std::vector<GenerateResult> generate(std::span<const GenerateRequest> requests,
                                       const OnGenerated& on_done) override;
  std::vector<ScoreResult> score(std::span<const ScoreRequest> requests,
                                 const OnScored& on_done) override;

 private:
  LanguageModel& model_;
  ResponseCache& cache_;
};

}  // namespace sft
