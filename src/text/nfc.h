#pragma once

#include <optional>
#include <string_view>

#include "text/offset_map.h"

namespace sft {

// Valid UTF-8 in normalisation form C (UAX 15), by the tables of unicode.h; nothing where it is in
// that form already.
std::optional<EditedText> normalize_nfc(std::string_view text);

}  // namespace sft
