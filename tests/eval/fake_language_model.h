#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sft/infer/language_model.h"
#include "sft/text/tokenizer.h"

namespace sft {

// One token a byte, and an end token.
class ByteTokenizer final : public Tokenizer {
 public:
  static constexpr int32_t kEos = 256;

  Encoding encode(std::string_view text, SpecialTokens /*special*/) const override {
    Encoding encoding;
    for (const char byte : text) {
      encoding.ids.push_back(static_cast<unsigned char>(byte));
      encoding.ends.push_back(static_cast<uint32_t>(encoding.ids.size()));
    }
    return encoding;
  }
  std::string token_bytes(int32_t id) const override {
    return id == kEos ? "" : std::string(1, static_cast<char>(id));
  }
  std::string token(int32_t id) const override { return token_bytes(id); }
  std::optional<int32_t> id_of(std::string_view token) const override {
    return token.size() == 1 ? std::optional<int32_t>(static_cast<unsigned char>(token[0]))
                             : std::nullopt;
  }
  bool is_special(int32_t id) const override { return id == kEos; }
  int32_t vocab_size() const override { return kEos + 1; }
  std::optional<int32_t> bos_id() const override { return std::nullopt; }
  std::optional<int32_t> eos_id() const override { return kEos; }
};

// Answers each prompt with what `answer` says, cut at the length asked for. Keeps the requests.
class FakeLanguageModel final : public LanguageModel {
 public:
  using Answer = std::function<std::string(const std::string& prompt)>;
  FakeLanguageModel(Answer answer, int64_t context_length)
      : answer_(std::move(answer)), context_length_(context_length) {}

  const Tokenizer& tokenizer() const override { return tokenizer_; }
  int64_t context_length() const override { return context_length_; }

  std::vector<GenerateResult> generate(std::span<const GenerateRequest> requests,
                                       const OnGenerated& on_done) override {
    std::vector<GenerateResult> results;
    for (const GenerateRequest& request : requests) {
      seen.push_back(request);
      GenerateResult result{.token_ids = {},
                            .text = answer_(text_of(request.prompt_ids)),
                            .finish = FinishReason::kEos};
      if (static_cast<int64_t>(result.text.size()) > request.max_new_tokens) {
        result.text.resize(static_cast<size_t>(request.max_new_tokens));
        result.finish = FinishReason::kLength;
      }
      result.token_ids = tokenizer_.encode(result.text, SpecialTokens::kNone).ids;
      if (result.finish == FinishReason::kEos) {
        result.token_ids.push_back(ByteTokenizer::kEos);
      }
      results.push_back(result);
      on_done(results.size() - 1, results.back());
    }
    return results;
  }

  std::vector<ScoreResult> score(std::span<const ScoreRequest> requests,
                                 const OnScored& on_done) override {
    std::vector<ScoreResult> results;
    for (const ScoreRequest& request : requests) {
      seen_scores.push_back(request);
      const double value = logprob(text_of(request.prompt_ids), text_of(request.completion_ids));
      results.push_back({.token_logprobs = {value}, .is_greedy = false});
      on_done(results.size() - 1, results.back());
    }
    return results;
  }

  // The log-probability of a completion behind a prompt.
  std::function<double(const std::string& prompt, const std::string& completion)> logprob =
      [](const std::string& /*prompt*/, const std::string& /*completion*/) { return -1.0; };
  std::vector<GenerateRequest> seen;
  std::vector<ScoreRequest> seen_scores;

 private:
  std::string text_of(const std::vector<int32_t>& ids) const {
    std::string text;
    for (const int32_t id : ids) {
      text += tokenizer_.token_bytes(id);
    }
    return text;
  }

  ByteTokenizer tokenizer_;
  Answer answer_;
  int64_t context_length_;
};

}  // namespace sft
