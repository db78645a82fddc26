#include "sft/core/table.h"

#include <algorithm>
#include <numeric>

namespace sft {
namespace {

// Levenshtein distance, a row of the table at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& known) {
  std::string nearest;
  // Names are typed by people; a longer one is no slip, and the distance is quadratic in it.
  constexpr size_t kLongestName = 200;
  if (name.size() > kLongestName) {
    return nearest;
  }
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate);
    if (distance < best && distance < name.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string unknown_name(std::string_view what, std::string_view name,
                         const std::vector<std::string>& known) {
  std::string text = "unknown " + std::string(what) + " '" + std::string(name) + "' (";
  if (const std::string nearest = nearest_name(name, known); !nearest.empty()) {
    text += "did you mean '" + nearest + "'? ";
  }
  text += "known: ";
  for (size_t i = 0; i < known.size(); ++i) {
    text += (i == 0 ? "" : ", ") + known[i];
  }
  return text + ")";
}

}  // namespace sft
