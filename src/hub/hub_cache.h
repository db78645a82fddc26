// The cache's layout is huggingface_hub's:
//
//   models--owner--name/ (datasets--owner--name/)
//     refs/<revision>              the commit that a branch or tag was at when it was fetched
//     snapshots/<commit>/<file>    a relative link to ../../blobs/<etag>
//     blobs/<etag>                 a file's bytes, named by its hash: sha256 of large files, git's
//                                  of others
//     blobs/<etag>.incomplete      the beginning of one
//     trees/<commit>.json          what the repository holds, by newer versions of huggingface_hub
//     sft/<commit>.json            the same by sft, in a form of its own: huggingface_hub takes a
//                                  listing of the former kind for a promise to fetch all of it
//   .locks/models--owner--name/<etag>.lock

#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hub/hub_listing.h"

#include "sft/hub/hub_id.h"

namespace sft {

// Places and entries of the cache. Reads take whatever others have left there for absent where it
// is broken; writes throw Error.
class HubCache {
 public:
  explicit HubCache(const std::filesystem::path& root);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path repo_folder(RepoKind kind, const std::string& repo) const;
  std::filesystem::path snapshot(RepoKind kind, const std::string& repo,
                                 const std::string& commit) const;
  std::filesystem::path blob(RepoKind kind, const std::string& repo, const std::string& etag) const;
  std::filesystem::path lock(RepoKind kind, const std::string& repo, const std::string& etag) const;

  // The commit of a revision; none where no one has fetched it.
  std::optional<std::string> find_commit(RepoKind kind, const HubId& id) const;
  void save_commit(RepoKind kind, const HubId& id, const std::string& commit) const;

  // What the repository holds at `commit`; where no one has listed it, what the cache has of it,
  // and then `is_known` is false.
  Listing find_listing(RepoKind kind, const std::string& repo, const std::string& commit) const;
  void save_listing(RepoKind kind, const std::string& repo, const Listing& listing) const;

  // Makes snapshots/<commit>/<name> a link to the blob `etag`.
  void link(const std::filesystem::path& file, const std::filesystem::path& blob) const;

 private:
  std::filesystem::path root_;
};

}  // namespace sft
