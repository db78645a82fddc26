#pragma once

#include <optional>
#include <string_view>

#include "text/offset_map.h"

namespace sft {

// Valid UTF-8 in lower case, character by character, by the tables of unicode.h; nothing where it
// is that already.
std::optional<EditedText> lower_case(std::string_view text);

}  // namespace sft
