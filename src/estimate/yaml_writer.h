#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

// A text as a YAML scalar that every YAML reader takes for the same text: plain where that is safe,
// else in double quotes.
std::string yaml_scalar(std::string_view text);
// The shortest number that reads back equal, with a point, so that YAML 1.1 readers (which take
// 1e-05 for a text) read a number as well.
std::string yaml_scalar(double value);
std::string yaml_scalar(bool value);
std::string yaml_scalar(int64_t value);

// [a, b]
template <typename T>
std::string yaml_list(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) {
    text += (text.empty() ? "" : ", ") + yaml_scalar(value);
  }
  return "[" + text + "]";
}

}  // namespace sft
