#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sft {

// Base64 (RFC 4648, with padding, without line ends).
std::string encode_base64(std::string_view bytes);
// Nothing where `text` is no base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace sft
