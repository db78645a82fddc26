#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/offset_map.h"

namespace sft {

// Bytes [begin, end) of a text.
struct Piece {
  size_t begin, end;
};

// A stretch of text on its way to words: normalizers and pre-tokenizers edit the text and cut it
// into pieces, and every byte still knows where it came from. Borrows the text it is made from.
class WorkingText {
 public:
  // `text` is valid UTF-8; it becomes one piece.
  explicit WorkingText(std::string_view text) : text_(text), pieces_{{0, text.size()}} {}

  std::string_view text() const { return text_; }
  const std::vector<Piece>& pieces() const { return pieces_; }
  void set_pieces(std::vector<Piece> pieces) { pieces_ = std::move(pieces); }

  // Whether nothing stands before this in the whole text; true where no one said otherwise.
  bool begins_text() const { return begins_text_; }
  void set_begins_text(bool begins_text) { begins_text_ = begins_text; }

  // Goes on with an edited text, as `pieces`.
  void replace(EditedText edited, std::vector<Piece> pieces) {
    texts_.push_back(std::move(edited.text));
    text_ = texts_.back();
    origins_.push_back(std::move(edited.origin));
    pieces_ = std::move(pieces);
  }

  // Where what ends at `offset` of text() ends in the text this was made from. Never decreases.
  size_t original_end(size_t offset) const {
    for (auto origin = origins_.rbegin(); origin != origins_.rend(); ++origin) {
      offset = origin->old_end(offset);
    }
    return offset;
  }

 private:
  std::string_view text_;
  bool begins_text_ = true;
  std::vector<Piece> pieces_;
  std::list<std::string> texts_;  // a list, since text_ points into the last
  std::vector<OffsetMap> origins_;
};

}  // namespace sft
