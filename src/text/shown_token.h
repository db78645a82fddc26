#pragma once

#include <string>
#include <string_view>

namespace sft {

// A token as messages show it: its beginning, where it is long.
inline std::string shown(std::string_view token) {
  constexpr size_t kLongest = 60;  // bytes
  return token.size() <= kLongest ? std::string(token)
                                  : std::string(token.substr(0, kLongest)) + "...";
}

}  // namespace sft
