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

// A rule that reads an answer out of a response, named by `extract:` in a task's YAML. `make`
// prepares it for the letters of the task's `options:` (empty for rules that need none).
struct ExtractorRow {
  std::string_view name;
  bool needs_options;
  Extractor (*make)(const std::string& options);
};

std::span<const ExtractorRow> extractors();

}  // namespace sft
