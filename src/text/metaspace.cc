#include "text/metaspace.h"

namespace sft {

void Metaspace::apply(WorkingText& working) const {
  EditedText edited;
  std::vector<Piece> pieces;
  for (const Piece& piece : working.pieces()) {
    const std::string_view text = working.text().substr(piece.begin, piece.end - piece.begin);
    const size_t begin = edited.text.size();
    const bool is_first = working.begins_text() && piece.begin == 0;
    const bool prepends =
        !text.starts_with(' ') && !text.starts_with(letter_) &&
        (prepend_ == Prepend::kAlways || (prepend_ == Prepend::kFirst && is_first));
    if (prepends) {
      edited.text += letter_;
    }
    edited.origin.add({begin, edited.text.size(), piece.begin, piece.begin});
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != ' ') {
        edited.text.push_back(text[i]);
        continue;
      }
      const size_t space = edited.text.size();
      edited.text += letter_;
      edited.origin.add({space, edited.text.size(), piece.begin + i, piece.begin + i + 1});
    }
    pieces.push_back({begin, edited.text.size()});
  }
  working.replace(std::move(edited), std::move(pieces));
}

}  // namespace sft
