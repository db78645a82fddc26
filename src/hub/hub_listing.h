#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sft/hub/hub.h"
#include "sft/io/json.h"

namespace sft {

struct ListedFile {
  std::string name;
  std::optional<uint64_t> bytes;
};

// What a repository holds at a commit.
struct Listing {
  std::string commit;
  std::vector<ListedFile> files;  // by name
  bool is_known = true;           // false: only what a cache's folder happens to hold

  const ListedFile* find(std::string_view name) const;
};

// A file's name in a repository that may be used as a path: relative, no "..", no control
// characters. The hub is not trusted to send only such.
bool is_safe_name(std::string_view name);

// The answer of /api/models/{repo}/revision/{revision}?blobs=true. Throws Error where it is none.
Listing parse_listing(const Json& json, const std::string& where);

// The files of `want` among those listed, in the order in which they are to be fetched: such that a
// fetch cut short never looks complete without its listing. Weights come last. Of weights in shards
// only the index; `shards_of` reads the rest from it.
std::vector<std::string> wanted_files(const Listing& listing, const HubWant& want);

// The shards that a safetensors index names. Throws Error for one that is no plain name.
std::vector<std::string> shards_of(const std::filesystem::path& index_path);

inline constexpr std::string_view kIndexName = "model.safetensors.index.json";

// Whether `files` are enough to be the whole of `want` where no one has listed the repository.
bool looks_whole(const std::vector<std::string>& files, const HubWant& want);

// Names whether `want` could be satisfied by a repository that holds `listing`; else why not.
std::optional<std::string> why_unusable(const Listing& listing, const HubWant& want);

bool matches(const std::string& pattern, const std::string& name);
bool is_pattern(const std::string& text);

}  // namespace sft
