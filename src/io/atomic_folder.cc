#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "io/posix.h"
#include "io/staging.h"

#include "sft/core/error.h"
#include "sft/io/file.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

void sync_tree(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_symlink() && (entry.is_regular_file() || entry.is_directory())) {
      sync_path(entry.path());
    }
  }
  sync_path(folder);
}

fs::path make_staging_folder(const fs::path& target) {
  for (int n = 0;; ++n) {
    fs::path path = staging_path(target, StagingKind::kNew, n);
    if (::mkdir(path.c_str(), 0777) == 0) {
      return path;
    }
    if (errno != EEXIST) {
      throw_system_error(target, "make the folder", errno);
    }
  }
}

void rename_folder(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    throw_system_error(to, "put the folder in its place", errno);
  }
}

// Puts `staging` in the place of the folder `target` and returns where the old one is now.
fs::path exchange_folders(const fs::path& staging, const fs::path& target) {
  if (::renameat2(AT_FDCWD, staging.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return staging;
  }
  if (errno != EINVAL && errno != ENOSYS) {
    throw_system_error(target, "replace the folder", errno);
  }
  // Not every file system (NFS, for one) can exchange. If the process dies between the two renames,
  // recover_leftovers puts the old folder back.
  fs::path aside = staging_path(target, StagingKind::kOld, 0);
  rename_folder(target, aside);
  if (::rename(staging.c_str(), target.c_str()) != 0) {
    const int code = errno;
    rename_folder(aside, target);
    throw_system_error(target, "replace the folder", code);
  }
  return aside;
}

}  // namespace

AtomicFolder::AtomicFolder(fs::path path, Existing existing)
    : path_(named_target(path)), existing_(existing) {
  recover_leftovers(path_);
  check_target();
  made_parents_ = make_parents(path_);
  try {
    staging_path_ = make_staging_folder(path_);
  } catch (const Error&) {
    remove_made_parents(made_parents_);
    throw;
  }
}

AtomicFolder::~AtomicFolder() {
  if (!is_committed_) {
    std::error_code ignored;
    fs::remove_all(staging_path_, ignored);
    remove_made_parents(made_parents_);
  }
}

void AtomicFolder::check_target() const {
  std::error_code code;
  const fs::file_status status = fs::symlink_status(path_, code);
  if (!fs::exists(status)) {
    return;
  }
  if (fs::is_symlink(status)) {
    throw Error(path_.string() + ": is a symbolic link, which is not replaced; name its target");
  }
  if (!fs::is_directory(status)) {
    throw Error(path_.string() + ": is a file; name a new folder");
  }
  if (existing_ == Existing::kRefuse) {
    throw Error(path_.string() + ": exists already; name a new folder, or remove this one first");
  }
}

void AtomicFolder::commit() {
  SFT_CHECK(!is_committed_);
  sync_tree(staging_path_);
  check_target();
  fs::path old;
  if (fs::exists(fs::symlink_status(path_))) {
    old = exchange_folders(staging_path_, path_);
  } else {
    rename_folder(staging_path_, path_);
  }
  is_committed_ = true;
  sync_path(parent_folder(path_));
  if (!old.empty()) {
    fs::remove_all(old);
  }
}

}  // namespace sft
