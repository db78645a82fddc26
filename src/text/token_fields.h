#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/added_tokens.h"

#include "sft/io/json.h"

namespace sft {

// An added token as tokenizer.json and tokenizer_config.json write it, but for its id.
AddedToken added_token(const Json& spec, const std::string& where);

// `id` where it can be a token's: 0 or more, below Vocabulary::kMaxIds. Throws Error that names
// `token`.
int32_t checked_token_id(int64_t id, std::string_view token, const std::string& where);

// An id written as text.
int64_t token_id(const std::string& text, const std::string& where);

}  // namespace sft
