#include "io/staging.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/posix.h"

#include "sft/core/error.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// When a process was started, in the kernel's clock ticks since boot (field 22 of /proc/N/stat);
// none where there is no such process.
std::optional<uint64_t> start_ticks(const std::string& process) {
  std::ifstream file("/proc/" + process + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const size_t name_end = text.rfind(')');  // the program's name may hold spaces and brackets
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) {
    fields >> skipped;
  }
  uint64_t ticks = 0;
  fields >> ticks;
  return fields.fail() ? std::nullopt : std::optional(ticks);
}

std::string host_tag() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return sha256_hex(name.data()).substr(0, 8);
}

std::string_view kind_name(StagingKind kind) {
  return kind == StagingKind::kNew ? "tmp" : "old";
}

std::string name_prefix(const fs::path& target, StagingKind kind) {
  return fmt::format(".{}.{}-", target.filename().string(), kind_name(kind));
}

// Whether `owner` ("<host>-<pid>-<start>-<n>") names a process of this host that is no more.
bool is_dead(const std::string& owner) {
  std::array<std::string, 4> parts;
  std::istringstream stream(owner);
  for (std::string& part : parts) {
    std::getline(stream, part, '-');
  }
  const auto is_number = [](const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  };
  if (!stream.eof() || parts[0] != host_tag() ||
      !std::all_of(parts.begin() + 1, parts.end(), is_number)) {
    return false;  // not one of our names, or another host's
  }
  const std::optional<uint64_t> start = start_ticks(parts[1]);
  return !start || std::to_string(*start) != parts[2];
}

}  // namespace

fs::path named_target(const fs::path& path) {
  fs::path target = path.has_filename() ? path : path.parent_path();
  const fs::path name = target.filename();
  if (name.empty() || name == "." || name == ".." || name == "/") {
    throw Error(fmt::format("'{}': names no file or folder to write", path.string()));
  }
  return target;
}

fs::path staging_path(const fs::path& target, StagingKind kind, int n) {
  return target.parent_path() / fmt::format("{}{}-{}-{}-{}", name_prefix(target, kind), host_tag(),
                                            ::getpid(), start_ticks("self").value_or(0), n);
}

fs::path parent_folder(const fs::path& target) {
  return target.has_parent_path() ? target.parent_path() : fs::path(".");
}

void recover_leftovers(const fs::path& target) {
  std::vector<std::pair<fs::path, StagingKind>> leftovers;
  std::error_code ignored;  // a folder that cannot be listed shows its fault when written to
  for (fs::directory_iterator entry(parent_folder(target), ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    for (const StagingKind kind : {StagingKind::kOld, StagingKind::kNew}) {
      const std::string prefix = name_prefix(target, kind);
      if (name.starts_with(prefix) && is_dead(name.substr(prefix.size()))) {
        leftovers.emplace_back(entry->path(), kind);
      }
    }
  }
  for (const auto& [path, kind] : leftovers) {
    if (kind == StagingKind::kOld && !fs::exists(fs::symlink_status(target, ignored))) {
      fs::rename(path, target, ignored);
    } else {
      fs::remove_all(path, ignored);
    }
  }
}

std::vector<fs::path> make_parents(const fs::path& target) {
  std::vector<fs::path> missing;
  fs::path folder = target.parent_path();
  std::error_code ignored;
  while (!folder.empty() && !fs::exists(folder, ignored)) {
    missing.push_back(folder);
    folder = folder.has_filename() ? folder.parent_path() : folder.parent_path().parent_path();
  }
  if (!folder.empty() && !fs::is_directory(folder, ignored)) {
    throw Error(fmt::format("{}: cannot be made, because {} is not a folder", target.string(),
                            folder.string()));
  }
  std::reverse(missing.begin(), missing.end());
  std::vector<fs::path> made;
  for (const fs::path& path : missing) {
    if (::mkdir(path.c_str(), 0777) == 0) {
      made.push_back(path);
    } else if (errno != EEXIST) {
      const int code = errno;
      remove_made_parents(made);
      throw_system_error(path, "make the folder", code);
    }
  }
  return made;
}

void remove_made_parents(const std::vector<fs::path>& parents) {
  for (auto path = parents.rbegin(); path != parents.rend(); ++path) {
    ::rmdir(path->c_str());  // fails where someone uses it by now, as it should
  }
}

}  // namespace sft
