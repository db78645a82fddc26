#include "text/byte_token.h"

#include <charconv>

#include <fmt/format.h>

namespace sft {

std::string byte_token(uint8_t byte) {
  return fmt::format("<0x{:02X}>", byte);
}

std::optional<uint8_t> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') {
    return std::nullopt;
  }
  uint8_t byte = 0;
  const char* const end = token.data() + 5;
  const auto [parsed, error] = std::from_chars(token.data() + 3, end, byte, 16);
  return error == std::errc() && parsed == end ? std::optional<uint8_t>(byte) : std::nullopt;
}

}  // namespace sft
