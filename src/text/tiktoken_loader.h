#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer_config.h"

#include "sft/text/tokenizer.h"

namespace sft {

// Whether `text` begins as a file of tiktoken ranks does.
bool is_tiktoken(std::string_view text);

// The tokenizer of a file of tiktoken ranks and the config beside it, whose added_tokens_decoder
// has the special tokens; without it there are none. How words are cut is not in the file; it is
// told from how many digits its tokens hold: one at most (Qwen), three (Llama 3), more (GPT-2).
// Throws Error.
std::unique_ptr<Tokenizer> load_tiktoken_tokenizer(std::string_view text,
                                                   const TokenizerConfig& config,
                                                   const std::string& where);

}  // namespace sft
