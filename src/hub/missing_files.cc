#include "hub/missing_files.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sft/core/format.h"

namespace sft {
namespace {

constexpr size_t kMostNames = 6;

std::string named(const HubWant& want) {
  switch (want.part) {
    case HubWant::Part::kModel:
      return "model " + want.id.text();
    case HubWant::Part::kTokenizer:
      return "tokenizer of " + want.id.text();
    case HubWant::Part::kFiles:
      return (want.kind == RepoKind::kDataset ? "dataset " : "model ") + want.id.text();
  }
  return {};
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return names.size() > kMostNames ? text + fmt::format(" and {} more", names.size() - kMostNames)
                                   : text;
}

std::string size_text(const MissingFiles& missing) {
  if (missing.bytes > 0) {
    return format_bytes(missing.bytes);
  }
  return missing.want.about.empty() ? "of unknown size" : missing.want.about;
}

// As huggingface_hub's command has it, so that a machine with a network can fill the cache.
std::string command(const HubWant& want) {
  std::string text = "hf download ";
  if (want.kind == RepoKind::kDataset) {
    text += "--repo-type dataset ";
  }
  if (want.id.revision != "main") {
    text += "--revision " + want.id.revision + " ";
  }
  text += want.id.repo;
  if (want.part == HubWant::Part::kTokenizer) {
    return text + " --include '*token*' --include vocab.json --include merges.txt";
  }
  if (want.part == HubWant::Part::kModel) {
    return text +
           " --include '*.json' --include '*.safetensors' --include 'tokenizer*' "
           "--include merges.txt";
  }
  const bool has_pattern = std::ranges::any_of(want.patterns, is_pattern);
  for (const std::string& pattern : want.patterns) {
    text += has_pattern ? " --include '" + pattern + "'" : " " + pattern;
  }
  return text;
}

}  // namespace

MissingFiles missing_files(const HubWant& want, const Listing& listing,
                           const std::vector<std::string>& absent) {
  MissingFiles missing = {.want = want, .names = absent, .bytes = 0};
  if (listing.is_known) {
    for (const std::string& name : absent) {
      const ListedFile* const file = listing.find(name);
      missing.bytes += file == nullptr ? 0 : file->bytes.value_or(0);
    }
    return missing;
  }
  missing.names = want.patterns;
  missing.bytes = want.known_bytes;
  if (want.part == HubWant::Part::kTokenizer) {
    missing.names = {"tokenizer.json or tokenizer.model", "tokenizer_config.json"};
  } else if (want.part == HubWant::Part::kModel) {
    missing.names = {"config.json", "tokenizer.json or tokenizer.model", "tokenizer_config.json",
                     "model.safetensors or its shards with their index"};
  }
  return missing;
}

std::string missing_message(const std::vector<MissingFiles>& missing, const HubSettings& settings,
                            const std::string& why) {
  std::string files;
  std::string commands;
  uint64_t bytes = 0;
  for (const MissingFiles& one : missing) {
    files += fmt::format("{}{} ({}; {})", files.empty() ? "" : ", ", named(one.want),
                         listed(one.names), size_text(one));
    commands += (commands.empty() ? "" : " && ") + command(one.want);
    bytes += one.bytes;
  }
  const std::string total =
      missing.size() > 1 && bytes > 0 ? ", " + format_bytes(bytes) + " in all" : "";
  return fmt::format(
      "not in the hub cache {}: {}{}; {}. Get them where the hub can be reached, by the same "
      "command "
      "or `{}`, and copy the cache here, or name folders on disk in their place",
      settings.cache.string(), files, total, why, commands);
}

}  // namespace sft
