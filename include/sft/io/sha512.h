#pragma once

#include <array>
#include <string_view>

namespace sft {

std::array<unsigned char, 64> sha512(std::string_view bytes);

}  // namespace sft
