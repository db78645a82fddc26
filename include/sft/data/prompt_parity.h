#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sft/data/encoded_sample.h"
#include "sft/data/sample.h"
#include "sft/text/template.h"
#include "sft/text/tokenizer.h"

namespace sft {

// A prompt that is sent as other tokens than those trained on.
struct PromptDifference {
  std::string sample;   // "lima: lima.jsonl:12"
  std::string trained;  // the last tokens, as "'Answer' ':'"
  std::string sent;
};

// How often a prompt that generation sends has other tokens than the prompt trained on. Training
// tokenizes a conversation as a whole, so that tokens may straddle the border of the response;
// generation knows the prompt alone.
struct ParityReport {
  int64_t prompts = 0;  // one a turn
  // The prompt as `sft generate`, `chat` and `serve` send it (PromptEnd::kTrimmed).
  int64_t num_trimmed = 0;
  std::optional<PromptDifference> trimmed;  // the first such
  // As `sft eval` sends it unless told otherwise (PromptEnd::kExact).
  int64_t num_exact = 0;
  std::optional<PromptDifference> exact;

  void add(const ParityReport& other);  // of samples behind these
  // A line for each end that differs somewhere; none where all is equal.
  std::vector<std::string> lines() const;
};

// Compares the prompts of all turns of `sample` with those in `encoded`, which is the same sample
// with the loss on its responses. End tokens between turns, which training puts there, do not
// count. A sample without instruction has no prompt.
ParityReport compare_prompts(const Sample& sample, const EncodedSample& encoded,
                             const Template& layout, const Tokenizer& tokenizer);

}  // namespace sft
