#pragma once

#include <filesystem>
#include <string>

#include "cli/command.h"

namespace sft {

// What a command's --ckpt and --adapter come to.
struct ModelSource {
  std::string name;               // what was asked for: a path, or a name on the hub
  std::filesystem::path base;     // a model folder
  std::filesystem::path adapter;  // an adapter's folder on that base, or ""

  // Whose template it goes by.
  const std::filesystem::path& checkpoint() const { return adapter.empty() ? base : adapter; }
};

// `checkpoint` is a model folder, or an adapter's, whose base is then found by what it says of it;
// `adapter` may be "". Either may be a name on the hub. Throws UsageError where both are adapters,
// Error where a base is not found.
ModelSource resolve_model(const std::string& checkpoint, const std::string& adapter,
                          const CommonOptions& common);

}  // namespace sft
