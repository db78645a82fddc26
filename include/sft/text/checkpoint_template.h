#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "sft/text/template.h"

namespace sft {

// The template that a checkpoint was trained with: the object "template" {"name", "turn",
// "separator"} of its sft.json. None where there is no such file or no template in it. Throws Error
// for a broken one.
std::optional<Template> recorded_template(const std::filesystem::path& checkpoint);

// What `--template` means for a checkpoint: "auto" is the recorded one, "none" no template (prompts
// stay as they are), else load_template. Warns, with both texts, where the checkpoint was trained
// with another one.
std::optional<Template> choose_template(const std::string& name,
                                        const std::filesystem::path& checkpoint);

}  // namespace sft
