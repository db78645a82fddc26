#pragma once

#include <cstdint>
#include <filesystem>

namespace sft {

// Learns a byte-level BPE tokenizer of at most `vocab_size` tokens (<|endoftext|> as its EOS, the
// 256 bytes, and what is merged from them) from a text file, and writes it to an existing folder as
// tokenizer.json, tokenizer_config.json and special_tokens_map.json. The same text gives the same
// bytes: the file is read line by line, words are GPT-2's, the most frequent pair is merged first,
// of equal ones that of the lower ids, as the `tokenizers` package's BpeTrainer has it. Returns the
// number of tokens, less than `vocab_size` where the text has no more pairs to merge. Throws Error.
int32_t train_bpe_tokenizer(const std::filesystem::path& text_file, int64_t vocab_size,
                            const std::filesystem::path& folder);

}  // namespace sft
