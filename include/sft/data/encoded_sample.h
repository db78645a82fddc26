#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sft/data/sample.h"
#include "sft/text/template.h"
#include "sft/text/tokenizer.h"

namespace sft {

// Tokens [begin, end) of a sample that are trained on.
struct TokenSpan {
  int32_t begin = 0;
  int32_t end = 0;
};

// A sample as the model sees it. One target span a response, its end token included.
struct EncodedSample {
  std::string id;
  std::vector<int32_t> token_ids;
  std::vector<TokenSpan> targets;

  int64_t num_targets() const;
};

enum class LossOn { kResponse, kAll };

// Lays `sample` out and tokenizes it by the one rule (a text is tokenized once, as a whole; the
// tokenizer's BOS in front; its eos_token's id after each response, never text tokenized again).
// Throws Error where the tokenizer has no EOS.
EncodedSample encode_sample(const Sample& sample, const Template& layout,
                            const Tokenizer& tokenizer, LossOn loss_on);

}  // namespace sft
