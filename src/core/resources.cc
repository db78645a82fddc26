#include "sft/core/resources.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <system_error>

#include "sft/core/error.h"
#include "sft/core/table.h"

namespace sft {
namespace fs = std::filesystem;

fs::path sft_home() {
  if (const char* const home = std::getenv("SFT_HOME"); home != nullptr && *home != '\0') {
    return home;
  }
  const char* const user = std::getenv("HOME");
  return fs::path(user != nullptr ? user : ".") / ".cache" / "sft";
}

std::vector<fs::path> config_roots() {
  std::vector<fs::path> roots = {"configs"};
  std::error_code error;
  const fs::path binary = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    roots.push_back(binary.parent_path().parent_path() / "share" / "sft" / "configs");
  }
  return roots;
}

std::vector<std::string> config_names(const fs::path& folder) {
  std::set<std::string> names;
  for (const fs::path& root : config_roots()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root / folder, error)) {
      if (entry.path().extension() == ".yaml") {
        names.insert(entry.path().stem().string());
      }
    }
  }
  return {names.begin(), names.end()};
}

fs::path find_config(std::string_view what, const fs::path& folder, const std::string& name) {
  std::error_code error;
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".yaml");
  if (is_path && fs::exists(name, error)) {
    return name;
  }
  const std::string file = name.ends_with(".yaml") ? name : name + ".yaml";
  for (const fs::path& root : config_roots()) {
    if (fs::path path = root / folder / file; fs::exists(path, error)) {
      return path;
    }
  }
  if (name.find('/') != std::string::npos) {
    throw UsageError(name + ": no such " + std::string(what) + " file");
  }
  throw UsageError(unknown_name(what, name, config_names(folder)) +
                   "; looked in ./configs and beside the program");
}

}  // namespace sft
