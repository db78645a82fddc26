#pragma once

#include <string>
#include <string_view>

namespace sft {

// Base64 (RFC 4648, with padding, without line ends).
std::string base64(std::string_view bytes);

}  // namespace sft
