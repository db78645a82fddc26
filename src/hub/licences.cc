#include "sft/hub/licences.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace sft {
namespace {

struct Rule {
  std::string_view part;  // of the id
  bool is_free;
  std::string_view reason;
};

// The first that fits decides, so the strict ones come first.
constexpr std::array kRules = {
    Rule{"-nd", false, "forbids derived works"},
    Rule{"-nc", false, "allows no commercial use"},
    Rule{"noncommercial", false, "allows no commercial use"},
    Rule{"llama", false, "has conditions on names, use and notices"},
    Rule{"gemma", false, "has conditions on use and notices"},
    Rule{"openrail", false, "has conditions on use that must be passed on"},
    Rule{"gpl", true, ""},
    Rule{"lgpl", true, ""},
    Rule{"agpl", true, ""},
    Rule{"apache-2.0", true, ""},
    Rule{"mit", true, ""},
    Rule{"bsd", true, ""},
    Rule{"cc0", true, ""},
    Rule{"cc-by", true, ""},  // and cc-by-sa
    Rule{"odc-by", true, ""},
    Rule{"odbl", true, ""},
    Rule{"pddl", true, ""},
    Rule{"cdla-permissive", true, ""},
    Rule{"afl-3.0", true, ""},
    Rule{"isc", true, ""},
    Rule{"unlicense", true, ""},
};

}  // namespace

LicenceVerdict judge_licence(const std::string& text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const size_t end = std::min(text.find_first_of(" \t,;(", begin), text.size());
  LicenceVerdict verdict;
  verdict.id = text.substr(begin, end - begin);
  std::ranges::transform(verdict.id, verdict.id.begin(),
                         [](unsigned char c) { return std::tolower(c); });
  if (verdict.id.empty() || verdict.id == "unknown") {
    verdict.id = "unknown";
    verdict.reason = "is not known";
    return verdict;
  }
  // "stricter where a source is stricter" and the like are for a person to read.
  const bool has_conditions = text.find_first_not_of(" \t", end) != std::string::npos;
  for (const Rule& rule : kRules) {
    const bool fits = rule.is_free ? verdict.id.starts_with(rule.part)
                                   : verdict.id.find(rule.part) != std::string::npos;
    if (fits) {
      verdict.is_free = rule.is_free && !has_conditions;
      verdict.reason = verdict.is_free ? "" : rule.is_free ? "has conditions" : rule.reason;
      return verdict;
    }
  }
  verdict.reason = "is none of those known to allow sharing";
  return verdict;
}

}  // namespace sft
