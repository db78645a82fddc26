#include "sft/text/tokenizer.h"

#include <algorithm>

#include <fmt/format.h>

#include "text/bpe_loader.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"
#include "text/utf8.h"

#include "sft/core/error.h"
#include "sft/io/file.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<Tokenizer> load_file(const fs::path& path, const TokenizerConfig& config) {
  std::string text = read_file(path);
  // A BOM is no JSON, but editors leave it.
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.erase(0, 3);
  }
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos || text[first] != '{') {
    throw Error(
        fmt::format("{}: no tokenizer that is supported (known: tokenizer.json)", path.string()));
  }
  return load_bpe_tokenizer(parse_tokenizer_json(std::move(text), path.string()), config,
                            path.string());
}

}  // namespace

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path) {
  if (!fs::exists(path)) {
    throw Error(fmt::format("{}: no such file or folder", path.string()));
  }
  if (!fs::is_directory(path)) {
    return load_file(path, {});
  }
  const fs::path file = path / "tokenizer.json";
  if (!fs::exists(file)) {
    throw Error(fmt::format("{}: no tokenizer.json in this folder", path.string()));
  }
  return load_file(file, read_tokenizer_config(path));
}

void check_ids(const Tokenizer& tokenizer, std::span<const int32_t> ids) {
  for (const int32_t id : ids) {
    if (id < 0 || id >= tokenizer.vocab_size()) {
      throw Error(fmt::format("token id {} is not in the vocabulary of {} ids", id,
                              tokenizer.vocab_size()));
    }
  }
}

std::string decode(const Tokenizer& tokenizer, std::span<const int32_t> ids,
                   DecodeSpecial special) {
  check_ids(tokenizer, ids);
  std::string bytes;
  for (const int32_t id : ids) {
    if (special == DecodeSpecial::kKeep || !tokenizer.is_special(id)) {
      bytes += tokenizer.token_bytes(id);
    }
  }
  if (std::optional<EditedText> repaired = replace_invalid_utf8(bytes)) {
    return std::move(repaired->text);
  }
  return bytes;
}

size_t num_prompt_tokens(const Encoding& encoding, size_t prompt_bytes) {
  const auto behind = std::upper_bound(encoding.ends.begin(), encoding.ends.end(), prompt_bytes);
  return static_cast<size_t>(behind - encoding.ends.begin());
}

}  // namespace sft
