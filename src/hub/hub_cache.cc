#include "hub/hub_cache.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "sft/core/error.h"
#include "sft/core/log.h"
#include "sft/io/file.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostRefBytes = 4096;

std::string folder_name(RepoKind kind, std::string repo) {
  repo.replace(repo.find('/'), 1, "--");
  return (kind == RepoKind::kModel ? "models--" : "datasets--") + repo;
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(fmt::format("{}: cannot make the folder: {}; HF_HUB_CACHE names another cache",
                            folder.string(), error.message()));
  }
}

// {"files": {"config.json": {"size": 519, ...}}}, which both kinds of listing have in common.
std::optional<Listing> read_listing(const fs::path& path, const std::string& commit) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return std::nullopt;
  }
  try {
    const Json json = read_json(path);
    Listing listing = {.commit = commit, .files = {}, .is_known = true};
    const Json files = json_member<Json>(json, "files", path.string());
    for (const auto& [name, file] : files.items()) {
      if (is_safe_name(name)) {
        std::optional<uint64_t> bytes;
        if (file.is_object() && file.contains("size") && file["size"].is_number_unsigned()) {
          bytes = file["size"].get<uint64_t>();
        }
        listing.files.push_back({.name = name, .bytes = bytes});
      }
    }
    std::ranges::sort(listing.files, {}, &ListedFile::name);
    return listing;
  } catch (const Error& fault) {
    spdlog::warn("[hub] {}; it is not used", fault.what());
    return std::nullopt;
  }
}

// What a snapshot's folder holds.
Listing read_folder(const fs::path& folder, const std::string& commit) {
  Listing listing = {.commit = commit, .files = {}, .is_known = false};
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code broken_link;
    if (entry->is_regular_file(broken_link)) {
      listing.files.push_back(
          {.name = entry->path().lexically_relative(folder).string(), .bytes = std::nullopt});
    }
  }
  std::ranges::sort(listing.files, {}, &ListedFile::name);
  return listing;
}

}  // namespace

HubCache::HubCache(const fs::path& root) : root_(fs::absolute(root)) {}

fs::path HubCache::repo_folder(RepoKind kind, const std::string& repo) const {
  return root_ / folder_name(kind, repo);
}

fs::path HubCache::snapshot(RepoKind kind, const std::string& repo,
                            const std::string& commit) const {
  return repo_folder(kind, repo) / "snapshots" / commit;
}

fs::path HubCache::blob(RepoKind kind, const std::string& repo, const std::string& etag) const {
  return repo_folder(kind, repo) / "blobs" / etag;
}

fs::path HubCache::lock(RepoKind kind, const std::string& repo, const std::string& etag) const {
  return root_ / ".locks" / folder_name(kind, repo) / (etag + ".lock");
}

std::optional<std::string> HubCache::find_commit(RepoKind kind, const HubId& id) const {
  if (is_commit(id.revision)) {
    return id.revision;
  }
  const fs::path path = repo_folder(kind, id.repo) / "refs" / id.revision;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    return std::nullopt;
  }
  std::string commit = read_file(path, kMostRefBytes);
  commit.erase(std::min(commit.find_last_not_of(" \r\n\t") + 1, commit.size()));
  return is_commit(commit) ? std::optional(commit) : std::nullopt;
}

void HubCache::save_commit(RepoKind kind, const HubId& id, const std::string& commit) const {
  if (id.revision != commit && find_commit(kind, id) != commit) {
    write_file(repo_folder(kind, id.repo) / "refs" / id.revision, commit);
  }
}

Listing HubCache::find_listing(RepoKind kind, const std::string& repo,
                               const std::string& commit) const {
  const std::string name = commit + ".json";
  for (const char* const folder : {"sft", "trees"}) {
    if (std::optional<Listing> listing =
            read_listing(repo_folder(kind, repo) / folder / name, commit)) {
      return *std::move(listing);
    }
  }
  return read_folder(snapshot(kind, repo, commit), commit);
}

void HubCache::save_listing(RepoKind kind, const std::string& repo, const Listing& listing) const {
  Json files = Json::object();
  for (const ListedFile& file : listing.files) {
    files[file.name] = Json::object();
    if (file.bytes.has_value()) {
      files[file.name]["size"] = *file.bytes;
    }
  }
  write_file(repo_folder(kind, repo) / "sft" / (listing.commit + ".json"),
             dump_json({{"files", std::move(files)}}, JsonLayout::kIndented));
}

void HubCache::link(const fs::path& file, const fs::path& blob) const {
  make_folders(file.parent_path());
  const fs::path target = blob.lexically_relative(file.parent_path());
  for (int attempt = 0;; ++attempt) {
    if (::symlink(target.c_str(), file.c_str()) == 0) {
      return;
    }
    const int code = errno;
    std::error_code error;
    if (code == EEXIST && fs::exists(file, error) && fs::equivalent(file, blob, error)) {
      return;  // another process was faster
    }
    if (code == EEXIST && attempt < 2) {
      fs::remove(file, error);  // a link to what is no more, or was replaced
      continue;
    }
    if (code == EPERM || code == EOPNOTSUPP || code == ENOSYS) {
      // A file system without links: huggingface_hub has whole files in a snapshot there, too.
      fs::copy_file(blob, file, fs::copy_options::overwrite_existing, error);
      if (!error) {
        return;
      }
    }
    throw Error(fmt::format("{}: cannot make the link: {}", file.string(),
                            std::generic_category().message(code)));
  }
}

}  // namespace sft
