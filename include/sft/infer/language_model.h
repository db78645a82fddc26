#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

class Tokenizer;

// How the next token is chosen. temperature 0 is greedy (the lowest id among equals); else the
// logits are divided by it, cut to the top_k largest (0: all) and to the smallest set whose
// probability reaches top_p, and drawn with a counter-based generator keyed by (seed, request's
// seed_index, position): never by its place in a batch.
struct Sampling {
  double temperature = 0;
  double top_p = 1;
  int64_t top_k = 0;
  uint64_t seed = 0;
};

struct GenerateRequest {
  std::vector<int32_t> prompt_ids;  // not empty
  int64_t max_new_tokens = 0;
  std::vector<std::string> stops;  // texts that end the response, left out of it
  Sampling sampling;
  uint64_t seed_index = 0;
};

enum class FinishReason { kEos, kStop, kLength, kContext };
std::string_view finish_name(FinishReason reason);  // "eos", "stop", "length", "context"

struct GenerateResult {
  std::vector<int32_t> token_ids;  // with the end token
  std::string text;  // without the end token and the stop string; special tokens kept out
  FinishReason finish = FinishReason::kLength;
};

struct ScoreRequest {
  std::vector<int32_t> prompt_ids;  // not empty
  std::vector<int32_t> completion_ids;
};

struct ScoreResult {
  std::vector<double> token_logprobs;  // natural log, of each completion token given all before it
  bool is_greedy = true;               // every completion token is the most probable one
};

// A model as its users see it: requests in, text or log-probabilities out, in the order of the
// requests. Requests of any lengths may be mixed; the implementation forms the batches. `on_done`
// is called once a request, in no order, as soon as its result is ready. Throws Error for a prompt
// that exceeds the context (with both lengths).
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  virtual const Tokenizer& tokenizer() const = 0;
  virtual int64_t context_length() const = 0;  // tokens, prompt and response together

  using OnGenerated = std::function<void(size_t request, const GenerateResult& result)>;
  virtual std::vector<GenerateResult> generate(std::span<const GenerateRequest> requests,
                                               const OnGenerated& on_done) = 0;
  using OnScored = std::function<void(size_t request, const ScoreResult& result)>;
  virtual std::vector<ScoreResult> score(std::span<const ScoreRequest> requests,
                                         const OnScored& on_done) = 0;
};

}  // namespace sft
