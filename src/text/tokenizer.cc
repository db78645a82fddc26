#include "sft/text/tokenizer.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "text/pipeline_loader.h"
#include "text/sentencepiece_loader.h"
#include "text/tiktoken_loader.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_json.h"

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/text/stream_decoder.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// The files of a folder that may be its tokenizer, the first that is there.
constexpr std::string_view kNames[] = {"tokenizer.json", "tokenizer.model", "spiece.model",
                                       "sentencepiece.bpe.model", "qwen.tiktoken"};
constexpr std::string_view kEndings[] = {".tiktoken", ".model"};

std::unique_ptr<Tokenizer> load_file(const fs::path& path, const TokenizerConfig& config) {
  const std::string where = path.string();
  std::string text = read_file(path);
  if (is_sentencepiece(text)) {
    return load_sentencepiece_tokenizer(text, config, where);
  }
  // A BOM is no JSON, but editors leave it.
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.erase(0, 3);
  }
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && text[first] == '{') {
    return load_pipeline_tokenizer(parse_tokenizer_json(std::move(text), where), config, where);
  }
  if (is_tiktoken(text)) {
    return load_tiktoken_tokenizer(text, config, where);
  }
  throw Error(
      fmt::format("{}: no tokenizer that is supported (known: tokenizer.json, a "
                  "sentencepiece model, tiktoken ranks)",
                  where));
}

}  // namespace

std::optional<fs::path> find_tokenizer_file(const fs::path& folder) {
  for (const std::string_view name : kNames) {
    if (fs::exists(folder / name)) {
      return folder / name;
    }
  }
  for (const std::string_view ending : kEndings) {
    std::vector<fs::path> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ending) {
        found.push_back(entry.path());
      }
    }
    if (found.size() > 1) {
      throw Error(fmt::format("{}: {} files *{} and no tokenizer.json; name the one to use",
                              folder.string(), found.size(), ending));
    }
    if (found.size() == 1) {
      return found.front();
    }
  }
  return std::nullopt;
}

std::unique_ptr<Tokenizer> load_tokenizer(const fs::path& path) {
  if (!fs::exists(path)) {
    throw Error(fmt::format("{}: no such file or folder", path.string()));
  }
  if (!fs::is_directory(path)) {
    return load_file(path, {});
  }
  const std::optional<fs::path> file = find_tokenizer_file(path);
  if (!file.has_value()) {
    throw Error(
        fmt::format("{}: no tokenizer.json, *.model or *.tiktoken in this folder", path.string()));
  }
  return load_file(*file, read_tokenizer_config(path));
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
  StreamDecoder decoder(tokenizer, special);
  std::string text;
  for (const int32_t id : ids) {
    text += decoder.push(id);
  }
  return text + decoder.finish();
}

size_t num_prompt_tokens(const Encoding& encoding, size_t prompt_bytes) {
  const auto behind = std::upper_bound(encoding.ends.begin(), encoding.ends.end(), prompt_bytes);
  return static_cast<size_t>(behind - encoding.ends.begin());
}

}  // namespace sft
