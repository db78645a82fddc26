#pragma once

#include <filesystem>

namespace sft {

// Copies what a model folder holds beside weights and config.json: tokenizer files, chat template,
// generation_config.json; those that are there.
void copy_model_files(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace sft
