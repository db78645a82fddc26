#include "text/pattern_split.h"

#include "text/utf8.h"

namespace sft {

void PatternSplit::apply(WorkingText& working) const {
  std::vector<Piece> pieces;
  for (const Piece& piece : working.pieces()) {
    const std::vector<Part> parts =
        parts_of(working.text().substr(piece.begin, piece.end - piece.begin));
    for (const Part& part : arranged(parts)) {
      if (part.piece.begin < part.piece.end) {
        pieces.push_back({piece.begin + part.piece.begin, piece.begin + part.piece.end});
      }
    }
  }
  working.set_pieces(std::move(pieces));
}

std::vector<PatternSplit::Part> PatternSplit::parts_of(std::string_view text) const {
  std::vector<Part> parts;
  size_t done = 0;
  for (const Piece& match : find_matches_(text)) {
    if (done < match.begin) {
      parts.push_back({{done, match.begin}, is_inverted_});
    }
    parts.push_back({match, !is_inverted_});
    done = match.end;
  }
  if (done < text.size()) {
    parts.push_back({{done, text.size()}, is_inverted_});
  }
  return parts;
}

std::vector<PatternSplit::Part> PatternSplit::arranged(const std::vector<Part>& parts) const {
  std::vector<Part> result;
  for (size_t i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    const bool was_match = i > 0 && parts[i - 1].is_match;
    const bool is_behind_match = was_match && !part.is_match;
    const bool is_behind_text = i > 0 && !was_match && part.is_match;
    const bool joins =
        (behavior_ == SplitBehavior::kContiguous && i > 0 && was_match == part.is_match) ||
        (behavior_ == SplitBehavior::kMergedWithPrevious && is_behind_text) ||
        (behavior_ == SplitBehavior::kMergedWithNext && is_behind_match);
    if (joins) {
      result.back().piece.end = part.piece.end;
    } else if (behavior_ != SplitBehavior::kRemoved || !part.is_match) {
      result.push_back(part);
    }
  }
  return result;
}

std::vector<Piece> find_literal(std::string_view text, std::string_view literal) {
  std::vector<Piece> matches;
  for (size_t begin = text.find(literal); begin != std::string_view::npos;
       begin = text.find(literal, begin + literal.size())) {
    matches.push_back({begin, begin + literal.size()});
  }
  return matches;
}

std::vector<Piece> find_characters(std::string_view text, bool (*is_wanted)(char32_t c)) {
  std::vector<Piece> matches;
  for (size_t offset = 0; offset < text.size();) {
    const DecodedChar c = decode_char(text, offset);
    if (is_wanted(c.code_point)) {
      matches.push_back({offset, offset + c.size});
    }
    offset += c.size;
  }
  return matches;
}

}  // namespace sft
