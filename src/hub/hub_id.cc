#include "sft/hub/hub_id.h"

#include <algorithm>

namespace sft {
namespace {

constexpr size_t kMostNameBytes = 96;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// An owner's or a repository's name, by the hub's rules. "--" stands for the '/' in the cache.
bool is_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= kMostNameBytes && std::ranges::all_of(name, is_allowed) &&
         std::string_view("-.").find(name.front()) == std::string_view::npos &&
         std::string_view("-.").find(name.back()) == std::string_view::npos &&
         name.find("--") == std::string_view::npos && name.find("..") == std::string_view::npos;
}

// Becomes a path below refs/ in the cache, so no part of it may lead elsewhere.
bool is_revision(std::string_view revision) {
  const auto is_allowed = [](char c) {
    return is_letter_or_digit(c) || std::string_view("-_./+=").find(c) != std::string_view::npos;
  };
  return !revision.empty() && revision.size() <= 2 * kMostNameBytes &&
         std::ranges::all_of(revision, is_allowed) && revision.front() != '/' &&
         revision.front() != '.' && revision.back() != '/' &&
         revision.find("..") == std::string_view::npos &&
         revision.find("//") == std::string_view::npos &&
         revision.find("/.") == std::string_view::npos;
}

}  // namespace

std::string HubId::text() const {
  return revision == "main" ? repo : repo + "@" + revision;
}

std::optional<HubId> parse_hub_id(std::string_view text) {
  const size_t at = text.find('@');
  const std::string_view repo = text.substr(0, at);
  const size_t slash = repo.find('/');
  if (slash == std::string_view::npos || !is_name(repo.substr(0, slash)) ||
      !is_name(repo.substr(slash + 1))) {
    return std::nullopt;
  }
  HubId id;
  id.repo = std::string(repo);
  if (at != std::string_view::npos) {
    if (!is_revision(text.substr(at + 1))) {
      return std::nullopt;
    }
    id.revision = std::string(text.substr(at + 1));
  }
  return id;
}

bool is_commit(std::string_view revision) {
  return revision.size() == 40 && std::ranges::all_of(revision, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace sft
