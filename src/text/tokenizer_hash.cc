#include "sft/text/tokenizer_hash.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/sha256.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// Beside the vocabulary; each optional.
constexpr std::string_view kSettings[] = {"added_tokens.json", "special_tokens_map.json",
                                          "tokenizer_config.json"};

std::vector<fs::path> tokenizer_files(const fs::path& folder) {
  const std::optional<fs::path> vocabulary = find_tokenizer_file(folder);
  if (!vocabulary.has_value()) {
    throw Error(folder.string() + ": no tokenizer.json, *.model or *.tiktoken in this folder");
  }
  std::vector<fs::path> files = {*vocabulary};
  std::error_code error;
  for (const std::string_view name : kSettings) {
    if (fs::exists(folder / name, error)) {
      files.push_back(folder / name);
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

std::string tokenizer_sha256(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    throw Error(path.string() + ": no such file or folder");
  }
  Sha256 all;
  for (const fs::path& file :
       fs::is_directory(path) ? tokenizer_files(path) : std::vector<fs::path>{path}) {
    Sha256 hash;
    hash.update(MappedFile(file).bytes());
    // One file alone is known by what it holds, whatever it is called.
    all.update(fmt::format("{} {}\n", fs::is_directory(path) ? file.filename().string() : "file",
                           hash.hex()));
  }
  return all.hex();
}

}  // namespace sft
