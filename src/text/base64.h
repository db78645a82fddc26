#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sft {

// RFC 4648, with padding; nothing where `text` is no base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace sft
