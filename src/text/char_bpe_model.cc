#include "text/char_bpe_model.h"

#include <algorithm>
#include <utility>

#include "text/byte_token.h"
#include "text/utf8.h"

namespace sft {

// The characters of a word as symbols, before any merge.
class CharBpeModel::Reader {
 public:
  Reader(const CharBpeModel& model, std::string_view word, std::vector<Symbol>& symbols)
      : model_(model), word_(word), symbols_(symbols) {}

  void run() {
    for (size_t offset = 0; offset < word_.size();) {
      const size_t size = decode_char(word_, offset).size;
      read(offset, size);
      offset += size;
    }
    put_unknown();
  }

 private:
  void read(size_t begin, size_t size) {
    const auto end = static_cast<uint32_t>(begin + size);
    if (const std::optional<int32_t> id = model_.spec_.vocabulary.find(word_.substr(begin, size))) {
      put_unknown();
      symbols_.push_back({*id, end});
    } else if (has_bytes(begin, size)) {
      // The package puts an unknown character that waits behind these bytes.
      for (size_t i = begin; i < begin + size; ++i) {
        symbols_.push_back({*byte_id(i), static_cast<uint32_t>(i + 1)});
      }
    } else if (model_.spec_.unk_id.has_value()) {
      if (!model_.spec_.fuses_unk) {
        put_unknown();
      }
      unknown_end_ = end;
    } else if (!symbols_.empty()) {  // left out
      symbols_.back().end = end;
    }
  }

  void put_unknown() {
    if (unknown_end_.has_value()) {
      const uint32_t before = symbols_.empty() ? 0 : symbols_.back().end;
      symbols_.push_back({*model_.spec_.unk_id, std::max(before, *unknown_end_)});
      unknown_end_.reset();
    }
  }

  const std::optional<int32_t>& byte_id(size_t offset) const {
    return model_.byte_ids_[static_cast<uint8_t>(word_[offset])];
  }

  bool has_bytes(size_t begin, size_t size) const {
    for (size_t i = begin; i < begin + size; ++i) {
      if (!byte_id(i).has_value()) {
        return false;
      }
    }
    return true;
  }

  const CharBpeModel& model_;
  std::string_view word_;
  std::vector<Symbol>& symbols_;
  std::optional<uint32_t> unknown_end_;  // of unknown characters that wait for their token
};

CharBpeModel::CharBpeModel(CharBpeSpec spec) : spec_(std::move(spec)) {
  for (size_t byte = 0; spec_.has_byte_fallback && byte < byte_ids_.size(); ++byte) {
    byte_ids_[byte] = spec_.vocabulary.find(byte_token(static_cast<uint8_t>(byte)));
  }
}

void CharBpeModel::encode(std::string_view word, std::vector<Symbol>& tokens) const {
  if (spec_.ignores_merges) {
    if (const std::optional<int32_t> id = spec_.vocabulary.find(word)) {
      tokens.push_back({*id, static_cast<uint32_t>(word.size())});
      return;
    }
  }
  Reader(*this, word, tokens).run();
  spec_.merges.apply(tokens);
}

}  // namespace sft
