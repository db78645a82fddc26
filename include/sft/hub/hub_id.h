#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sft {

// What a repository of the hub holds.
enum class RepoKind { kModel, kDataset };

// A repository at a revision: a branch, a tag or a commit.
struct HubId {
  std::string repo;  // "owner/name"
  std::string revision = "main";

  // "owner/name", with "@revision" unless that is main.
  std::string text() const;
};

// `text` of the form owner/name[@revision], with the characters that the hub allows (letters,
// digits, "-", "_", "."; no "--" or ".."); none for anything else, a path like ./a/b say. Looks at
// no disk and no network.
std::optional<HubId> parse_hub_id(std::string_view text);

// Whether a revision is a whole commit id: 40 hex digits, which never moves.
bool is_commit(std::string_view revision);

}  // namespace sft
