#pragma once

#include <memory>
#include <string>

#include "text/token_model.h"
#include "text/tokenizer_json.h"

namespace sft {

// What the "model" of a tokenizer.json (`model`: without its tables) is; `where` names the file.
// Throws Error: what is broken, or what is not supported, by name.
std::unique_ptr<TokenModel> load_byte_bpe_model(const TokenizerJson& json, const Json& model,
                                                const std::string& where);
std::unique_ptr<TokenModel> load_char_bpe_model(const TokenizerJson& json, const Json& model,
                                                const std::string& where);
std::unique_ptr<TokenModel> load_unigram_model(const TokenizerJson& json, const Json& model,
                                               const std::string& where);

}  // namespace sft
