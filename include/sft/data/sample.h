#pragma once

#include <string>
#include <vector>

#include "sft/text/template.h"

namespace sft {

// One training conversation. `id` is the first 16 hex digits of the SHA-256 of its turns as a
// compact JSON array of strings (["instruction","response",...], UTF-8 unescaped, no template),
// with -2, -3, ... for exact duplicates in the order of reading. `source` is "path:line".
struct Sample {
  std::string id;
  std::vector<Turn> turns;
  std::string dataset;
  std::string source;
};

// The id without the suffix of duplicates.
std::string content_id(const std::vector<Turn>& turns);

}  // namespace sft
