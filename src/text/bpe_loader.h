#pragma once

#include <memory>
#include <string>

#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"

#include "sft/text/tokenizer.h"

namespace sft {

// A byte-level BPE tokenizer of a tokenizer.json and its config; `where` names the file. Throws
// Error: what is broken, or what is not supported, by name.
std::unique_ptr<Tokenizer> load_bpe_tokenizer(const TokenizerJson& json,
                                              const TokenizerConfig& config,
                                              const std::string& where);

}  // namespace sft
