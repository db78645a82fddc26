#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "sft/hub/model_card.h"

namespace sft {

// What the files of a checkpoint and of the run that it lies in tell for its model card: sft.json,
// config.yaml, data.json, run.json and eval/results.json, as far as they are there. `ask_licence`
// is asked for the licence of a base on the hub. Throws Error for files that are broken.
ModelCard gather_card(const std::filesystem::path& checkpoint, const std::string& repo,
                      const std::function<std::string(const std::string& repo)>& ask_licence);

}  // namespace sft
