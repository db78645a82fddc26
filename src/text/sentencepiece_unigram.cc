#include "text/sentencepiece_unigram.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace sft {
namespace {

using Type = SentencePieceFile::Type;

// User-defined pieces are to be taken always: they cost next to nothing.
constexpr float kUserDefinedScore = -0.1F;

std::vector<Type> types_of(const SentencePieceFile& file) {
  std::vector<Type> types;
  types.reserve(file.pieces.size());
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    types.push_back(piece.type);
  }
  return types;
}

SentencePieceRules rules_of(const SentencePieceFile& file) {
  SentencePieceRules rules;
  rules.charsmap = file.charsmap;
  rules.adds_dummy_prefix = file.adds_dummy_prefix;
  rules.removes_extra_spaces = file.removes_extra_spaces;
  rules.escapes_spaces = file.escapes_spaces;
  std::vector<std::pair<std::string_view, int32_t>> kept;
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    if (piece.type == Type::kUserDefined) {
      kept.emplace_back(piece.text, 0);
    }
  }
  rules.kept = PrefixTrie(std::move(kept));
  return rules;
}

UnigramSpec spec_of(SentencePieceFile file, const std::string& where) {
  UnigramSpec spec;
  spec.where = where;
  spec.style = UnigramStyle::kSentencePiece;
  spec.has_byte_fallback = file.has_byte_fallback;
  spec.unk_id = file.unk_id;
  float least = std::numeric_limits<float>::max();
  float most = std::numeric_limits<float>::min();
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    if (piece.type == Type::kNormal) {
      least = std::min(least, piece.score);
      most = std::max(most, piece.score);
    }
  }
  spec.least_score = least;
  for (size_t id = 0; id < file.pieces.size(); ++id) {
    const SentencePieceFile::Piece& piece = file.pieces[id];
    const bool is_user_defined = piece.type == Type::kUserDefined;
    spec.scores.push_back(is_user_defined
                              ? static_cast<float>(piece.text.size()) * most + kUserDefinedScore
                              : piece.score);
    if (!is_user_defined && piece.type != Type::kNormal) {
      spec.unreachable.push_back(static_cast<int32_t>(id));
    }
  }
  spec.vocabulary = std::move(file.vocabulary);
  return spec;
}

}  // namespace

SentencePieceUnigram::SentencePieceUnigram(SentencePieceFile file, const std::string& where)
    : types_(types_of(file)), rules_(rules_of(file)), model_(spec_of(std::move(file), where)) {}

void SentencePieceUnigram::encode(std::string_view word, std::vector<Symbol>& tokens) const {
  const NormalizedText normal = normalize(rules_, word);
  if (normal.text.empty()) {
    return;
  }
  model_.encode(normal.text, tokens);
  for (size_t i = 0; i < tokens.size(); ++i) {
    // Inside a character, which only byte tokens end, as many bytes on as are given.
    uint32_t& end = tokens[i].end;
    const bool is_inside =
        end < normal.text.size() && (static_cast<uint8_t>(normal.text[end]) & 0xC0) == 0x80;
    if (!is_inside) {
      end = normal.origin[end];
      continue;
    }
    uint32_t begin = end;
    while ((static_cast<uint8_t>(normal.text[begin]) & 0xC0) == 0x80) {
      --begin;
    }
    size_t next = end;
    while (next < normal.text.size() && (static_cast<uint8_t>(normal.text[next]) & 0xC0) == 0x80) {
      ++next;
    }
    end = std::min(normal.origin[begin] + (end - begin), normal.origin[next]);
  }
}

bool SentencePieceUnigram::is_special(int32_t id) const {
  if (id < 0 || id >= size()) {
    return false;
  }
  const Type type = types_[static_cast<size_t>(id)];
  return type == Type::kControl || type == Type::kUnknown;
}

}  // namespace sft
