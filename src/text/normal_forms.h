#pragma once

#include <optional>
#include <string_view>

#include "text/offset_map.h"

namespace sft {

// Valid UTF-8 in a normalisation form (UAX 15), by the tables of unicode.h; nothing where it is in
// that form already.
std::optional<EditedText> normalize_nfc(std::string_view text);
std::optional<EditedText> normalize_nfd(std::string_view text);
std::optional<EditedText> normalize_nfkc(std::string_view text);
std::optional<EditedText> normalize_nfkd(std::string_view text);

}  // namespace sft
