#include "sft/model/model_folder.h"

#include <array>

#include "sft/io/file.h"

namespace sft {
namespace {

constexpr std::array kCarriedFiles = {
    "tokenizer.json",  "tokenizer_config.json", "special_tokens_map.json",
    "tokenizer.model", "added_tokens.json",     "vocab.json",
    "merges.txt",      "chat_template.jinja",   "generation_config.json",
    "spiece.model",    "qwen.tiktoken",         "sentencepiece.bpe.model"};

}  // namespace

void copy_model_files(const std::filesystem::path& from, const std::filesystem::path& to) {
  for (const char* const name : kCarriedFiles) {
    std::error_code error;
    if (std::filesystem::exists(from / name, error)) {
      write_file(to / name, read_file(from / name));
    }
  }
}

}  // namespace sft
