#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "text/prefix_trie.h"
#include "text/token_model.h"
#include "text/vocabulary.h"

namespace sft {

// Which package's way is followed where they differ.
enum class UnigramStyle {
  kTokenizers,     // sums in double; unknown characters, joined, may be a token after all
  kSentencePiece,  // sums in float
};

struct UnigramSpec {
  UnigramStyle style = UnigramStyle::kTokenizers;
  Vocabulary vocabulary;
  std::vector<double> scores;         // by id
  std::vector<int32_t> unreachable;   // ids that no text gives
  std::optional<double> least_score;  // of all by default
  std::optional<int32_t> unk_id;      // without it, an unknown character is an Error
  bool has_byte_fallback = false;
  std::string where;  // opens messages
};

// A unigram language model (LLM-jp, Sarashina2): of all ways to cut a word into tokens, that with
// the highest sum of scores. As the `tokenizers` package has it: a character without token costs 10
// more than the worst token, and several of them in a row are one unknown token or, with byte
// fallback, the tokens of their bytes.
class UnigramModel final : public TokenModel {
 public:
  explicit UnigramModel(UnigramSpec spec);

  void encode(std::string_view word, std::vector<Symbol>& tokens) const override;
  std::optional<int32_t> find(std::string_view token) const override {
    return spec_.vocabulary.find(token);
  }
  std::string token(int32_t id) const override { return std::string(spec_.vocabulary.bytes(id)); }
  int32_t size() const override { return spec_.vocabulary.size(); }

 private:
  // The best way to what ends here.
  struct Node {
    double score = 0;
    int32_t id = 0;
    uint32_t begin = kUnreached;
  };
  static constexpr uint32_t kUnreached = ~uint32_t{0};

  // Sum: the type that scores are added in.
  template <typename Sum>
  void find_best_paths(std::string_view word, std::vector<Node>& ends) const;
  void put(std::string_view piece, const Symbol& symbol, std::vector<Symbol>& tokens) const;

  UnigramSpec spec_;
  double unk_score_ = 0;
  PrefixTrie trie_;
  std::array<std::optional<int32_t>, 256> byte_ids_;
};

}  // namespace sft
