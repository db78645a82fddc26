#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "text/tokenizer_config.h"

#include "sft/text/tokenizer.h"

namespace sft {

// Whether `bytes` begin as a sentencepiece model does.
bool is_sentencepiece(std::string_view bytes);

// The tokenizer of a sentencepiece model and the config beside it. Without a config, text gives no
// special tokens and no BOS is added, as the sentencepiece package has it. Throws Error: what is
// broken, or what is not supported, by name.
std::unique_ptr<Tokenizer> load_sentencepiece_tokenizer(std::string_view bytes,
                                                        const TokenizerConfig& config,
                                                        const std::string& where);

}  // namespace sft
