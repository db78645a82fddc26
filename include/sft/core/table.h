#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sft/core/error.h"

namespace sft {

// The known name nearest to `name` by edit distance, or "" where none is near enough to be a slip
// of the pen (more than a third of its letters differ).
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

// "unknown <what> 'lama' (did you mean 'llama'? known: llama, qwen2)".
std::string unknown_name(std::string_view what, std::string_view name,
                         const std::vector<std::string>& known);

// The row of `table` whose `name` is `name`; rows are structs with a member `name`. Every table of
// extensions (model families, extractors, commands) is looked up here, so that all of them answer
// a wrong name alike. Throws UsageError.
template <typename Row>
const Row& find_entry(std::span<const Row> table, std::string_view what, std::string_view name) {
  std::vector<std::string> known;
  for (const Row& row : table) {
    if (row.name == name) {
      return row;
    }
    known.emplace_back(row.name);
  }
  throw UsageError(unknown_name(what, name, known));
}

}  // namespace sft
