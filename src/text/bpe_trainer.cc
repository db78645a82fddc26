#include "sft/text/bpe_trainer.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "text/byte_alphabet.h"
#include "text/tokenizer_files.h"
#include "text/utf8.h"
#include "text/vocabulary.h"
#include "text/word_patterns.h"

#include "sft/core/error.h"
#include "sft/io/file.h"

namespace sft {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";
constexpr int32_t kEndOfTextId = 0;
constexpr int64_t kSmallestVocabulary = 257;

struct Word {
  std::vector<int32_t> ids;
  int64_t count = 0;
};

struct Pair {
  int32_t left, right;
  bool operator==(const Pair&) const = default;
  bool operator<(const Pair& other) const {
    return left != other.left ? left < other.left : right < other.right;
  }
};

struct PairHash {
  size_t operator()(const Pair& pair) const {
    const uint64_t both =
        uint64_t{static_cast<uint32_t>(pair.left)} << 32 | static_cast<uint32_t>(pair.right);
    const uint64_t hash = both * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
  }
};

// A pair that may be merged, where (indices of words), and how often it was when last counted.
struct Candidate {
  int64_t count;
  Pair pair;
  std::vector<uint32_t> words;
};

struct IsLessUrgent {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.count != b.count ? a.count < b.count : b.pair < a.pair;
  }
};

class Trainer {
 public:
  explicit Trainer(size_t vocab_size) : vocab_size_(vocab_size) {
    add_token(std::string(kEndOfText));
    std::vector<std::pair<char32_t, size_t>> letters;
    for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
      letters.emplace_back(byte_to_letter(static_cast<unsigned char>(byte)), byte);
    }
    std::sort(letters.begin(), letters.end());
    for (const auto& [letter, byte] : letters) {
      std::string text;
      append_utf8(letter, text);
      byte_ids_[byte] = add_token(text);
    }
  }

  void read(std::string_view text) {
    std::unordered_map<std::string, int64_t> counts;
    while (!text.empty()) {
      const size_t newline = text.find('\n');
      const std::string_view line = text.substr(0, newline == text.npos ? newline : newline + 1);
      const std::optional<EditedText> repaired = replace_invalid_utf8(line);
      count_words(repaired ? std::string_view(repaired->text) : line, counts);
      text.remove_prefix(line.size());
    }
    for (const auto& [word, count] : counts) {
      words_.push_back({{}, count});
      for (const char byte : word) {
        words_.back().ids.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
      }
    }
  }

  TokenizerFiles run() {
    offer_first_pairs();
    while (tokens_.size() < vocab_size_ && !queue_.empty()) {
      std::pop_heap(queue_.begin(), queue_.end(), IsLessUrgent());
      Candidate top = std::move(queue_.back());
      queue_.pop_back();
      if (const int64_t count = pair_counts_[top.pair]; top.count != count) {
        top.count = count;
        offer(std::move(top));
        continue;
      }
      if (top.count < 1) {
        break;
      }
      merge(top);
    }
    return files();
  }

 private:
  int32_t add_token(const std::string& text) {
    const auto [found, is_new] = ids_.emplace(text, static_cast<int32_t>(tokens_.size()));
    if (is_new) {
      tokens_.push_back(text);
    }
    return found->second;
  }

  static void count_words(std::string_view line, std::unordered_map<std::string, int64_t>& counts) {
    for (size_t begin = 0; begin < line.size();) {
      const size_t end = find_gpt2_word_end(line, begin);
      ++counts[std::string(line.substr(begin, end - begin))];
      begin = end;
    }
  }

  void offer_first_pairs() {
    for (size_t i = 0; i < words_.size(); ++i) {
      const Word& word = words_[i];
      for (size_t k = 0; k + 1 < word.ids.size(); ++k) {
        const Pair pair{word.ids[k], word.ids[k + 1]};
        pair_counts_[pair] += word.count;
        note(pair, static_cast<uint32_t>(i));
      }
    }
    offer_noted();
  }

  void note(const Pair& pair, uint32_t word) {
    std::vector<uint32_t>& words = noted_[pair];
    if (words.empty() || words.back() != word) {
      words.push_back(word);
    }
  }

  void offer(Candidate candidate) {
    queue_.push_back(std::move(candidate));
    std::push_heap(queue_.begin(), queue_.end(), IsLessUrgent());
  }

  void offer_noted() {
    for (auto& [pair, words] : noted_) {
      if (const int64_t count = pair_counts_[pair]; count > 0) {
        offer({count, pair, std::move(words)});
      }
    }
    noted_.clear();
  }

  void merge(const Candidate& top) {
    const std::string& left = tokens_[static_cast<size_t>(top.pair.left)];
    const std::string& right = tokens_[static_cast<size_t>(top.pair.right)];
    merges_.emplace_back(left, right);
    const int32_t result = add_token(left + right);
    for (const uint32_t word : top.words) {
      merge_in_word(top.pair, result, word);
    }
    offer_noted();
  }

  // The counts of the neighbours' pairs change; that of the merged pair itself is left as it is,
  // since no one asks for it again.
  void merge_in_word(const Pair& pair, int32_t result, uint32_t index) {
    Word& word = words_[index];
    std::vector<int32_t>& ids = word.ids;
    const auto change = [&](const Pair& changed, int64_t by) {
      pair_counts_[changed] += by * word.count;
      if (by > 0) {
        note(changed, index);
      }
    };
    size_t size = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] != pair.left || i + 1 == ids.size() || ids[i + 1] != pair.right) {
        ids[size++] = ids[i];
        continue;
      }
      ++i;
      if (size > 0) {
        change({ids[size - 1], pair.left}, -1);
        change({ids[size - 1], result}, 1);
      }
      if (i + 1 < ids.size()) {
        change({pair.right, ids[i + 1]}, -1);
        change({result, ids[i + 1]}, 1);
      }
      ids[size++] = result;
    }
    ids.resize(size);
  }

  TokenizerFiles files() const {
    TokenizerFiles files;
    for (size_t id = 0; id < tokens_.size(); ++id) {
      files.vocab.push_back({tokens_[id], static_cast<int32_t>(id)});
    }
    files.merges = merges_;
    AddedToken end;
    end.id = kEndOfTextId;
    end.content = kEndOfText;
    end.is_special = true;
    end.is_normalized = false;
    files.added_tokens = {end};
    files.pre_tokenizer = byte_level_json(/*uses_regex=*/true);
    files.eos = kEndOfText;
    return files;
  }

  size_t vocab_size_;
  std::vector<std::string> tokens_;  // by id, in byte letters
  std::unordered_map<std::string, int32_t> ids_;
  std::array<int32_t, 256> byte_ids_{};
  std::vector<Word> words_;
  std::vector<std::pair<std::string, std::string>> merges_;
  std::unordered_map<Pair, int64_t, PairHash> pair_counts_;
  std::unordered_map<Pair, std::vector<uint32_t>, PairHash> noted_;  // pairs new in this merge
  std::vector<Candidate> queue_;  // a heap, the most urgent on top
};

}  // namespace

int32_t train_bpe_tokenizer(const std::filesystem::path& text_file, int64_t vocab_size,
                            const std::filesystem::path& folder) {
  if (vocab_size < kSmallestVocabulary || vocab_size > Vocabulary::kMaxIds) {
    throw UsageError(
        fmt::format("a vocabulary of {} tokens: {} to {} are possible (the 256 bytes and {})",
                    vocab_size, kSmallestVocabulary, Vocabulary::kMaxIds, kEndOfText));
  }
  const MappedFile file(text_file);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  if (text.empty()) {
    throw Error(fmt::format("{}: empty; a tokenizer is learned from text", text_file.string()));
  }
  Trainer trainer(static_cast<size_t>(vocab_size));
  trainer.read(text);
  const TokenizerFiles files = trainer.run();
  write_tokenizer_files(files, folder);
  return static_cast<int32_t>(files.vocab.size());
}

}  // namespace sft
