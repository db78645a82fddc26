#pragma once

#include <memory>
#include <vector>

#include "sft/infer/language_model.h"

namespace sft {

class CausalLm;
class Tokenizer;

// A model that answers requests in batches of unequal lengths. Prompts are computed packed, without
// padding, and what neighbours begin with, as worked examples, once; sequences that generate share
// each step, leave it as they end, and the next request takes their place. Where a sequence repeats
// what it said before, the tokens that followed then are computed with its last one, and dropped
// where the model chooses otherwise. Results depend on the requests alone: the same requests in the
// same order give the same batches.
class Engine final : public LanguageModel {
 public:
  Engine(std::unique_ptr<CausalLm> model, std::unique_ptr<Tokenizer> tokenizer);
  ~Engine() override;

  const Tokenizer& tokenizer() const override { return *tokenizer_; }
  int64_t context_length() const override;
  const CausalLm& causal_lm() const { return *model_; }
  std::vector<GenerateResult> generate(std::span<const GenerateRequest> requests,
                                       const OnGenerated& on_done) override;
  std::vector<ScoreResult> score(std::span<const ScoreRequest> requests,
                                 const OnScored& on_done) override;

 private:
  std::unique_ptr<CausalLm> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::vector<int32_t> end_token_ids_;
};

}  // namespace sft
