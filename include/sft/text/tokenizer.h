#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

enum class SpecialTokens {
  kAdd,   // BOS (and what else the post-processor says) as the tokenizer's own config has it
  kNone,  // only the text's own tokens
};

// A text as token ids. ends[i] is the byte of the input text (not of its normalised form) at which
// token i ends, its untrimmed bytes counted: a leading space belongs to its token. Tokens that the
// tokenizer adds in front have end 0; ends never decrease.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<uint32_t> ends;
};

// What decoding does with bytes that are no UTF-8.
enum class BrokenBytes {
  kMaximalSubparts,  // one U+FFFD for each maximal subpart, as Python's errors='replace'
  kEachByte,         // one for each byte of byte tokens (sentencepiece)
  kWholeRun,         // one for each byte of a run of byte tokens that is not UTF-8 as a whole, its
                     // sound characters too (the tokenizers package)
};

// What becomes of the space that a tokenizer put before a text.
enum class FirstSpace {
  kKeep,
  kDropOne,              // one, at the beginning of the decoded text
  kDropOneOfEachToken,   // one of each token, as long as the decoded text is empty
  kDropAllOfFirstToken,  // all spaces that the first token holds
};

struct DecodeRules {
  BrokenBytes broken_bytes = BrokenBytes::kMaximalSubparts;
  FirstSpace first_space = FirstSpace::kKeep;
  bool keeps_space_of_special = false;  // special tokens lose none
};

// Turns text into token ids and back. Implementations are immutable and safe to share between
// threads. Invalid UTF-8 in a text is read as U+FFFD per maximal subpart, as Python's
// errors='replace' has it (ends still count the bytes given).
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // Text that spells a special (added) token is that token, as transformers has it. A
  // post-processor's EOS is not added.
  virtual Encoding encode(std::string_view text, SpecialTokens special) const = 0;

  // The bytes that an id stands for in running text: of a byte-level token its raw bytes, of a
  // special token its text, "" for ids without one. Tokens' bytes joined are the decoded text
  // before decode_rules() are applied.
  virtual std::string token_bytes(int32_t id) const = 0;
  // The vocabulary's own string of an id ("Ġthe"), "" for an id without one.
  virtual std::string token(int32_t id) const = 0;
  virtual std::optional<int32_t> id_of(std::string_view token) const = 0;

  virtual bool is_special(int32_t id) const = 0;
  // One more than the largest id.
  virtual int32_t vocab_size() const = 0;
  virtual std::optional<int32_t> bos_id() const = 0;
  virtual std::optional<int32_t> eos_id() const = 0;

  virtual DecodeRules decode_rules() const { return {}; }
  // Whether an id is a byte token ("<0x0A>"), of which several make a character.
  virtual bool is_byte(int32_t /*id*/) const { return false; }
};

// Throws Error for an id that is negative or beyond the vocabulary.
void check_ids(const Tokenizer& tokenizer, std::span<const int32_t> ids);

enum class DecodeSpecial { kKeep, kSkip };

// Ids to text as the tokenizer's decode_rules() have it. Checks the ids.
std::string decode(const Tokenizer& tokenizer, std::span<const int32_t> ids, DecodeSpecial special);

// Reads the tokenizer of a folder (tokenizer.json, else a sentencepiece model, else tiktoken ranks;
// with tokenizer_config.json and special_tokens_map.json where present), or one tokenizer file.
// What a file is, is told from its content. Throws Error: what is wrong where, or what is not
// supported, by name.
std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path);

// The file of a folder that load_tokenizer reads the tokenizer from, nothing where there is none.
// Throws Error where several might be meant.
std::optional<std::filesystem::path> find_tokenizer_file(const std::filesystem::path& folder);

// How many of an encoding's first tokens belong to the prompt, the first `prompt_bytes` bytes of
// its text: a token belongs to what follows if its bytes end after the prompt's last byte. The one
// rule by which training, scoring and generation split a text.
size_t num_prompt_tokens(const Encoding& encoding, size_t prompt_bytes);

}  // namespace sft
