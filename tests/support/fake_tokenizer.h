#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sft/text/tokenizer.h"

namespace sft {

// A tokenizer that a test can follow by hand: the longest of the given pieces at each place, else
// the byte itself. Ids below 256 are bytes, piece i is 256 + i; BOS and EOS follow where asked for.
// Text that spells "<eos>" is the end token.
class FakeTokenizer final : public Tokenizer {
 public:
  struct Options {
    std::vector<std::string> pieces;
    bool has_bos = true;
    bool has_eos = true;
  };
  explicit FakeTokenizer(Options options) : options_(std::move(options)) {}
  FakeTokenizer() : FakeTokenizer(Options{}) {}

  Encoding encode(std::string_view text, SpecialTokens special) const override {
    Encoding encoding;
    if (special == SpecialTokens::kAdd && options_.has_bos) {
      encoding.ids.push_back(*bos_id());
      encoding.ends.push_back(0);
    }
    for (size_t at = 0; at < text.size();) {
      const auto [id, length] = longest(text.substr(at));
      at += length;
      encoding.ids.push_back(id);
      encoding.ends.push_back(static_cast<uint32_t>(at));
    }
    return encoding;
  }

  std::string token_bytes(int32_t id) const override {
    if (id < 256) {
      return std::string(1, static_cast<char>(id));
    }
    const auto piece = static_cast<size_t>(id - 256);
    return piece < options_.pieces.size() ? options_.pieces[piece]
           : id == eos_id()               ? "<eos>"
                                          : "<bos>";
  }
  std::string token(int32_t id) const override { return token_bytes(id); }
  std::optional<int32_t> id_of(std::string_view token) const override {
    return longest(token).second == token.size() ? std::optional(longest(token).first)
                                                 : std::nullopt;
  }
  bool is_special(int32_t id) const override { return id == bos_id() || id == eos_id(); }
  int32_t vocab_size() const override {
    return 256 + static_cast<int32_t>(options_.pieces.size()) + 2;
  }
  std::optional<int32_t> bos_id() const override {
    return options_.has_bos ? std::optional(vocab_size() - 2) : std::nullopt;
  }
  std::optional<int32_t> eos_id() const override {
    return options_.has_eos ? std::optional(vocab_size() - 1) : std::nullopt;
  }

 private:
  std::pair<int32_t, size_t> longest(std::string_view text) const {
    if (options_.has_eos && text.starts_with("<eos>")) {
      return {*eos_id(), 5};
    }
    std::pair<int32_t, size_t> best = {static_cast<unsigned char>(text.front()), 1};
    for (size_t i = 0; i < options_.pieces.size(); ++i) {
      const std::string& piece = options_.pieces[i];
      if (text.starts_with(piece) && piece.size() > best.second) {
        best = {256 + static_cast<int32_t>(i), piece.size()};
      }
    }
    return best;
  }

  Options options_;
};

}  // namespace sft
