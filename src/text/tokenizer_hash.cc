#include "sft/text/tokenizer_hash.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// Beside the vocabulary; each optional.
constexpr std::string_view kSettings[] = {"added_tokens.json", "special_tokens_map.json",
                                          "tokenizer_config.json"};

bool is_vocabulary(const fs::path& path) {
  return path.extension() == ".tiktoken" || path.extension() == ".model";
}

std::vector<fs::path> tokenizer_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  if (const fs::path json = folder / "tokenizer.json"; fs::exists(json, error)) {
    files.push_back(json);
  } else {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.is_regular_file() && is_vocabulary(entry.path())) {
        files.push_back(entry.path());
      }
    }
  }
  if (files.empty()) {
    throw Error(folder.string() + ": no tokenizer.json in this folder");
  }
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
