#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sft {

// What may follow `tokens`: that which followed where their end last stood before, at most `most`
// of it, and half as many tokens as agree there; nothing where fewer than four do. Models quote
// their prompts and repeat themselves, and a model can check many tokens in the time of one.
// "Prompt lookup decoding"; Yang et al., "Inference with Reference: Lossless Acceleration of Large
// Language Models", 2023.
std::vector<int32_t> guess_next(std::span<const int32_t> tokens, size_t most);

}  // namespace sft
