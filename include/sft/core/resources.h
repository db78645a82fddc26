#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

// Where the program keeps what it may need again: $SFT_HOME, by default ~/.cache/sft.
std::filesystem::path sft_home();

// Where the program's own YAML files are: ./configs, then share/sft/configs beside the folder of
// the running binary, which is where both a build and an installation have them.
std::vector<std::filesystem::path> config_roots();

// The file that `name` means: a path that exists (it has a '/' or ends in ".yaml"), else
// <root>/<folder>/<name>.yaml in the first of config_roots() that has it. `what` names the kind in
// the message ("template"). Throws UsageError with the nearest known name.
std::filesystem::path find_config(std::string_view what, const std::filesystem::path& folder,
                                  const std::string& name);

// The names (without ".yaml") that `find_config` would find in `folder`, sorted, each once.
std::vector<std::string> config_names(const std::filesystem::path& folder);

}  // namespace sft
