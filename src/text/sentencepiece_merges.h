#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "text/tokenizer_files.h"

namespace sft {

// The merges that a sentencepiece BPE model's scores stand for, as transformers has them: of each
// token every cut into two tokens, those of the highest score first. `scores` are by id. Throws
// Error.
std::vector<std::pair<std::string, std::string>> sentencepiece_merges(
    const std::vector<TokenizerFiles::Token>& tokens, std::span<const double> scores,
    const std::string& where);

}  // namespace sft
