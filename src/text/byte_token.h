#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sft {

// How vocabularies with byte fallback write a byte: "<0x0A>".
std::string byte_token(uint8_t byte);
// The byte that `token` is; digits of either case. Nothing where it is none.
std::optional<uint8_t> byte_of_token(std::string_view token);

}  // namespace sft
