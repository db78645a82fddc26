#include "text/sentencepiece_bpe.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include "text/protobuf.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using Type = SentencePieceFile::Type;

// A ModelProto with normalizer_spec.add_dummy_prefix false: behind another one, it overrules that.
constexpr std::string_view kWithoutDummyPrefix("\x1A\x02\x18\x00", 4);

// The fields of the library's answer, a SentencePieceText and its pieces.
constexpr uint32_t kTextPieces = 2;
constexpr uint32_t kPieceId = 2;
constexpr uint32_t kPieceBegin = 4;
constexpr uint32_t kPieceEnd = 5;

struct AnsweredPiece {
  int32_t id = 0;
  uint32_t begin = 0, end = 0;
};

std::vector<AnsweredPiece> pieces_of(std::string_view answer) {
  static const std::string kWhere = "sentencepiece";
  std::vector<AnsweredPiece> pieces;
  ProtobufReader reader(answer, kWhere);
  while (const auto field = reader.next()) {
    if (field->number != kTextPieces) {
      continue;
    }
    AnsweredPiece piece;
    ProtobufReader members(field->bytes, kWhere);
    while (const auto member = members.next()) {
      if (member->number == kPieceId) {
        piece.id = static_cast<int32_t>(member->value);
      } else if (member->number == kPieceBegin) {
        piece.begin = static_cast<uint32_t>(member->value);
      } else if (member->number == kPieceEnd) {
        piece.end = static_cast<uint32_t>(member->value);
      }
    }
    pieces.push_back(piece);
  }
  return pieces;
}

}  // namespace

SentencePieceBpe::SentencePieceBpe(SentencePieceFile file, std::string_view bytes,
                                   DummyPrefix dummy_prefix, const std::string& where)
    : vocabulary_(std::move(file.vocabulary)) {
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    types_.push_back(piece.type);
  }
  std::string message;
  try {
    auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
    std::string changed;
    if (dummy_prefix == DummyPrefix::kNever) {
      changed.append(bytes).append(kWithoutDummyPrefix);
      bytes = changed;
    }
    const auto status = processor->LoadFromSerializedProto({bytes.data(), bytes.size()});
    if (status.ok()) {
      processor_ = std::move(processor);
      return;
    }
    message = status.message();
  } catch (const std::exception& error) {
    message = error.what();
  }
  throw Error(fmt::format("{}: the sentencepiece library refuses it: {}", where, message));
}

SentencePieceBpe::~SentencePieceBpe() = default;

// The library gives a character's bytes no extent but the last: here each ends one further.
void SentencePieceBpe::encode(std::string_view word, std::vector<Symbol>& tokens) const {
  const std::string answer = processor_->EncodeAsSerializedProto({word.data(), word.size()});
  const std::vector<AnsweredPiece> pieces = pieces_of(answer);
  tokens.reserve(pieces.size());
  for (size_t i = 0; i < pieces.size();) {
    size_t last = i;
    while (is_byte(pieces[last].id) && pieces[last].begin == pieces[last].end &&
           last + 1 < pieces.size() && is_byte(pieces[last + 1].id) &&
           pieces[last + 1].begin == pieces[i].begin) {
      ++last;
    }
    for (size_t k = i; k <= last; ++k) {
      const auto end = static_cast<uint32_t>(pieces[i].begin + (k - i) + 1);
      tokens.push_back({pieces[k].id, k == last ? pieces[k].end : std::min(end, pieces[last].end)});
    }
    i = last + 1;
  }
}

bool SentencePieceBpe::is_byte(int32_t id) const {
  return id >= 0 && id < size() && types_[static_cast<size_t>(id)] == Type::kByte;
}

bool SentencePieceBpe::is_special(int32_t id) const {
  if (id < 0 || id >= size()) {
    return false;
  }
  const Type type = types_[static_cast<size_t>(id)];
  return type == Type::kControl || type == Type::kUnknown;
}

}  // namespace sft
