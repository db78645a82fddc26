#include "text/token_fields.h"

#include <charconv>

#include <fmt/format.h>

#include "text/json_field.h"
#include "text/vocabulary.h"

#include "sft/core/error.h"

namespace sft {

AddedToken added_token(const Json& spec, const std::string& where) {
  AddedToken token;
  token.content = json_member<std::string>(spec, "content", where);
  token.is_special = field_or(spec, "special", false, where);
  token.is_normalized = field_or(spec, "normalized", !token.is_special, where);
  token.strips_left = field_or(spec, "lstrip", false, where);
  token.strips_right = field_or(spec, "rstrip", false, where);
  token.is_single_word = field_or(spec, "single_word", false, where);
  return token;
}

int32_t checked_token_id(int64_t id, std::string_view token, const std::string& where) {
  if (id < 0 || id >= Vocabulary::kMaxIds) {
    throw Error(fmt::format("{}: token '{}' has id {}; ids are 0 to {}", where, token.substr(0, 60),
                            id, Vocabulary::kMaxIds - 1));
  }
  return static_cast<int32_t>(id);
}

int64_t token_id(const std::string& text, const std::string& where) {
  int64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, id);
  if (error != std::errc() || parsed != end) {
    throw Error(fmt::format("{}: '{}' is no token id", where, text));
  }
  return id;
}

}  // namespace sft
