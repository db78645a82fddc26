#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sft/data/sample.h"
#include "sft/estimate/train_config.h"
#include "sft/text/template.h"
#include "sft/text/tokenizer.h"

namespace sft {

// Tokens [begin, end) of a sample that are trained on.
struct TokenSpan {
  int32_t begin = 0;
  int32_t end = 0;
};

// A sample as the model sees it. One target span a response, its end token included; one span of
// all but the first token where the loss is on all. No span begins at 0: a target needs a token
// that predicts it.
struct EncodedSample {
  std::string id;
  std::vector<int32_t> token_ids;
  std::vector<TokenSpan> targets;

  int64_t num_targets() const;
};

// Lays `sample` out and tokenizes it by the one rule:
// - The whole conversation is one text, tokenized once, the tokenizer's BOS in front. So the tokens
//   of a later turn's prompt are those that generation sends for the same turns, but for the end
//   tokens between.
// - A token is a target if it holds a byte of a response or of the spaces before it: a token that
//   straddles either border of a response belongs to the response (".\n" of a response's last stop
//   and the separator). Where two responses touch, to the first.
// - The id of eos_token goes behind the last token of each response, and is a target. Where the
//   template itself writes the end token there (chatml), that one is it, and no second is added.
// - Where no token would stand before the first target (an empty prompt and no BOS), the end token
//   is put there as its context; it is no target.
// - A sample without any instruction (text alone) is not laid out: all its text is the response.
// Throws Error where the tokenizer has no EOS.
EncodedSample encode_sample(const Sample& sample, const Template& layout,
                            const Tokenizer& tokenizer, LossTarget loss_on);

}  // namespace sft
