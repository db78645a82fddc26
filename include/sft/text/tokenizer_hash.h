#pragma once

#include <filesystem>
#include <string>

namespace sft {

// What tells two tokenizers apart without loading them: the SHA-256 over the names and bytes of the
// files of `path` (a model folder, or one tokenizer file) that a tokenizer is read from. Where
// there is a tokenizer.json, the vocabularies in other formats beside it are not read and do not
// count. Throws Error where there is none.
std::string tokenizer_sha256(const std::filesystem::path& path);

}  // namespace sft
