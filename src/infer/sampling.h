#pragma once

#include <cstdint>
#include <span>

#include "sft/infer/language_model.h"

namespace sft {

// The next token's id out of its logits; `position` is the number of tokens before it. See Sampling
// for the rule.
int32_t choose_token(std::span<const float> logits, const Sampling& sampling, uint64_t seed_index,
                     int64_t position);

}  // namespace sft
