#include "hub/hub_listing.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fnmatch.h>

#include "sft/core/error.h"

namespace sft {
namespace {

// Of a model's files those that sft reads or carries into what it trains, in the order of their
// fetching. A file of kTokenizerFiles is the sign of a whole tokenizer, so they come after the
// rest.
constexpr std::array<std::string_view, 4> kConfigFiles = {"sft.json", "adapter_config.json",
                                                          "config.json", "generation_config.json"};
constexpr std::array<std::string_view, 7> kTokenizerConfigs = {"tokenizer_config.json",
                                                               "added_tokens.json",
                                                               "special_tokens_map.json",
                                                               "chat_template.jinja",
                                                               "chat_template.json",
                                                               "vocab.json",
                                                               "merges.txt"};
constexpr std::array<std::string_view, 5> kTokenizerFiles = {
    "tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
    "qwen.tiktoken"};
constexpr std::string_view kWeightsName = "model.safetensors";
constexpr std::string_view kAdapterName = "adapter_model.safetensors";
constexpr size_t kMostNameBytes = 512;

bool has(const std::vector<std::string>& files, std::string_view name) {
  return std::ranges::find(files, name) != files.end();
}

void add_listed(const Listing& listing, std::span<const std::string_view> names,
                std::vector<std::string>& files) {
  for (const std::string_view name : names) {
    if (listing.find(name) != nullptr) {
      files.emplace_back(name);
    }
  }
}

std::vector<std::string> matching_files(const Listing& listing,
                                        const std::vector<std::string>& patterns) {
  std::vector<std::string> files;
  for (const std::string& pattern : patterns) {
    for (const ListedFile& file : listing.files) {
      if (matches(pattern, file.name) && !has(files, file.name)) {
        files.push_back(file.name);
      }
    }
  }
  return files;
}

bool has_tokenizer(const std::vector<std::string>& files) {
  return std::ranges::any_of(kTokenizerFiles,
                             [&](std::string_view name) { return has(files, name); });
}

std::optional<uint64_t> size_of(const Json& sibling) {
  for (const Json* const holder :
       {sibling.contains("lfs") && sibling["lfs"].is_object() ? &sibling["lfs"] : nullptr,
        &sibling}) {
    if (holder != nullptr && holder->contains("size") && (*holder)["size"].is_number_unsigned()) {
      return (*holder)["size"].get<uint64_t>();
    }
  }
  return std::nullopt;
}

}  // namespace

const ListedFile* Listing::find(std::string_view name) const {
  const auto file = std::ranges::find(files, name, &ListedFile::name);
  return file == files.end() ? nullptr : &*file;
}

bool is_safe_name(std::string_view name) {
  if (name.empty() || name.size() > kMostNameBytes || name.front() == '/' || name.back() == '/' ||
      name.find('\\') != std::string_view::npos) {
    return false;
  }
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return false;
  }
  for (size_t begin = 0; begin <= name.size();) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

Listing parse_listing(const Json& json, const std::string& where) {
  Listing listing;
  listing.commit = json_member<std::string>(json, "sha", where);
  if (!is_commit(listing.commit)) {
    throw Error(fmt::format("{}: 'sha' is no commit id of 40 hex digits; is this a hub?", where));
  }
  const Json siblings = json_member<Json>(json, "siblings", where);
  if (!siblings.is_array()) {
    throw Error(where + ": 'siblings' is no list of files; is this a hub?");
  }
  for (const Json& sibling : siblings) {
    const auto name = json_member<std::string>(sibling, "rfilename", where);
    if (is_safe_name(name)) {  // others cannot be wanted
      listing.files.push_back({.name = name, .bytes = size_of(sibling)});
    }
  }
  std::ranges::sort(listing.files, {}, &ListedFile::name);
  return listing;
}

std::vector<std::string> wanted_files(const Listing& listing, const HubWant& want) {
  if (want.part == HubWant::Part::kFiles) {
    return matching_files(listing, want.patterns);
  }
  std::vector<std::string> files;
  if (want.part == HubWant::Part::kModel) {
    add_listed(listing, kConfigFiles, files);
  }
  add_listed(listing, kTokenizerConfigs, files);
  add_listed(listing, kTokenizerFiles, files);
  if (want.part == HubWant::Part::kModel) {
    const bool is_single = listing.find(kWeightsName) != nullptr;
    const std::array<std::string_view, 2> weights = {kAdapterName,
                                                     is_single ? kWeightsName : kIndexName};
    add_listed(listing, weights, files);
  }
  return files;
}

std::vector<std::string> shards_of(const std::filesystem::path& index_path) {
  const Json index = read_json(index_path);
  const Json map = json_member<Json>(index, "weight_map", index_path.string());
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map.items()) {
    if (!shard.is_string() || !is_safe_name(shard.get_ref<const std::string&>()) ||
        shard.get_ref<const std::string&>().find('/') != std::string::npos) {
      throw Error(fmt::format("{}: tensor {} is in no file of this folder", index_path.string(),
                              Json(tensor).dump()));
    }
    shards.insert(shard.get<std::string>());
  }
  return {shards.begin(), shards.end()};
}

bool looks_whole(const std::vector<std::string>& files, const HubWant& want) {
  switch (want.part) {
    case HubWant::Part::kFiles:
      return std::ranges::all_of(want.patterns, [&](const std::string& pattern) {
        return std::ranges::any_of(files,
                                   [&](const std::string& file) { return matches(pattern, file); });
      });
    case HubWant::Part::kTokenizer:
      return has_tokenizer(files);
    case HubWant::Part::kModel:
      return (has(files, "adapter_config.json") && has(files, kAdapterName)) ||
             (has(files, "config.json") && has_tokenizer(files) &&
              (has(files, kWeightsName) || has(files, kIndexName)));
  }
  return false;
}

std::optional<std::string> why_unusable(const Listing& listing, const HubWant& want) {
  const std::vector<std::string> files = wanted_files(listing, want);
  if (want.part == HubWant::Part::kModel && !has(files, kWeightsName) && !has(files, kIndexName) &&
      !has(files, kAdapterName)) {
    const bool has_pickles = listing.find("pytorch_model.bin") != nullptr ||
                             listing.find("pytorch_model.bin.index.json") != nullptr;
    return std::string("holds no safetensors weights") +
           (has_pickles ? ", only pickled ones, which are not read; convert them" : "");
  }
  if (want.part == HubWant::Part::kTokenizer && !has_tokenizer(files)) {
    return "holds no tokenizer.json, tokenizer.model or other tokenizer that is read";
  }
  for (const std::string& pattern : want.patterns) {
    if (std::ranges::none_of(files,
                             [&](const std::string& file) { return matches(pattern, file); })) {
      return fmt::format("holds no file '{}'", pattern);
    }
  }
  return std::nullopt;
}

bool matches(const std::string& pattern, const std::string& name) {
  return pattern == name || ::fnmatch(pattern.c_str(), name.c_str(), FNM_PATHNAME) == 0;
}

bool is_pattern(const std::string& text) {
  return text.find_first_of("*?[") != std::string::npos;
}

}  // namespace sft
