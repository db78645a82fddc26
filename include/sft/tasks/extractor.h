#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace sft {

// What was read out of a response: the value that is compared with the reference, and whether the
// response held one at all (a rule may have its own text for "nothing", such as "NULL").
struct Extraction {
  std::string text;
  bool is_found = false;
};
using Extractor = std::function<Extraction(std::string_view response)>;

// A rule that reads an answer out of a response, named by `extract:` in a task's YAML.
struct ExtractorRow {
  // What `make` needs from the YAML beside the name: nothing (it gets ""), the letters under
  // `options:`, or the regular expression under `pattern:`.
  enum class Argument { kNone, kOptions, kPattern };

  std::string_view name;
  Argument argument;
  Extractor (*make)(const std::string& argument);
};

std::span<const ExtractorRow> extractors();

}  // namespace sft
