#include "text/sentencepiece_file.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "text/charsmap.h"
#include "text/protobuf.h"
#include "text/shown_token.h"
#include "text/token_fields.h"
#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

// How many user-defined pieces may begin with one another: as many as the library has room for.
constexpr size_t kDeepestUserDefined = 60;

// The numbers of the fields.
namespace model {
constexpr uint32_t kPieces = 1;
constexpr uint32_t kTrainer = 2;
constexpr uint32_t kNormalizer = 3;
constexpr uint32_t kDenormalizer = 5;
}  // namespace model
namespace piece {
constexpr uint32_t kText = 1;
constexpr uint32_t kScore = 2;
constexpr uint32_t kType = 3;
}  // namespace piece
namespace trainer {
constexpr uint32_t kModelType = 3;
constexpr uint32_t kIsSuffixStyle = 24;
constexpr uint32_t kHasByteFallback = 35;
constexpr uint32_t kUnkSurface = 44;
constexpr uint32_t kBosPiece = 46;
constexpr uint32_t kEosPiece = 47;
}  // namespace trainer
namespace normalizer {
constexpr uint32_t kCharsmap = 2;
constexpr uint32_t kAddsDummyPrefix = 3;
constexpr uint32_t kRemovesExtraSpaces = 4;
constexpr uint32_t kEscapesSpaces = 5;
}  // namespace normalizer

class FileReader {
 public:
  FileReader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  SentencePieceFile run() {
    ProtobufReader reader(bytes_, where_);
    while (const auto field = reader.next()) {
      if (field->number == model::kPieces) {
        read_piece(field->bytes);
      } else if (field->number == model::kTrainer) {
        read_trainer(field->bytes);
      } else if (field->number == model::kNormalizer) {
        read_normalizer(field->bytes);
      } else if (field->number == model::kDenormalizer) {
        read_denormalizer(field->bytes);
      }
    }
    if (file_.pieces.empty()) {
      throw Error(fmt::format("{}: no sentencepiece model: it has no pieces", where_));
    }
    check_user_defined();
    find_special_pieces();
    return std::move(file_);
  }

 private:
  void read_piece(std::string_view bytes) {
    SentencePieceFile::Piece result;
    const int32_t id = checked_token_id(static_cast<int64_t>(file_.pieces.size()), "", where_);
    ProtobufReader reader(bytes, where_);
    while (const auto field = reader.next()) {
      if (field->number == piece::kText) {
        result.text = field->bytes;
      } else if (field->number == piece::kScore) {
        result.score = field->as_float();
      } else if (field->number == piece::kType) {
        if (field->value < 1 || field->value > 6) {
          throw Error(fmt::format("{}: piece {} is of unknown type {}", where_, id, field->value));
        }
        result.type = static_cast<SentencePieceFile::Type>(field->value);
      }
    }
    if (!is_valid_utf8(result.text) || result.text.find('\0') != std::string_view::npos ||
        result.text.empty()) {
      throw Error(
          fmt::format("{}: piece {} is empty, not UTF-8, or holds a zero byte", where_, id));
    }
    if (!std::isfinite(result.score)) {
      throw Error(
          fmt::format("{}: the score of '{}' is {}", where_, shown(result.text), result.score));
    }
    if (!file_.vocabulary.add(result.text, id)) {
      throw Error(fmt::format("{}: piece '{}' is listed twice, with ids {} and {}", where_,
                              shown(result.text), *file_.vocabulary.find(result.text), id));
    }
    file_.pieces.push_back(result);
  }

  void read_trainer(std::string_view bytes) {
    ProtobufReader reader(bytes, where_);
    while (const auto field = reader.next()) {
      if (field->number == trainer::kModelType) {
        if (field->value != 1 && field->value != 2) {
          throw Error(fmt::format("{}: model type {} is not supported (known: unigram, bpe)",
                                  where_,
                                  field->value == 3   ? "word"
                                  : field->value == 4 ? "char"
                                                      : std::to_string(field->value)));
        }
        file_.kind = static_cast<SentencePieceFile::Kind>(field->as_int());
      } else if (field->number == trainer::kIsSuffixStyle) {
        file_.is_suffix_style = field->as_bool();
      } else if (field->number == trainer::kHasByteFallback) {
        file_.has_byte_fallback = field->as_bool();
      } else if (field->number == trainer::kBosPiece) {
        bos_piece_ = field->bytes;
      } else if (field->number == trainer::kEosPiece) {
        eos_piece_ = field->bytes;
      } else if (field->number == trainer::kUnkSurface) {
        if (!is_valid_utf8(field->bytes)) {
          throw Error(fmt::format("{}: unk_surface is not UTF-8", where_));
        }
        file_.unk_surface = field->bytes;
      }
    }
  }

  void read_normalizer(std::string_view bytes) {
    ProtobufReader reader(bytes, where_);
    while (const auto field = reader.next()) {
      if (field->number == normalizer::kCharsmap && !field->bytes.empty()) {
        file_.charsmap.emplace(field->bytes, where_);
        file_.charsmap->check();
      } else if (field->number == normalizer::kAddsDummyPrefix) {
        file_.adds_dummy_prefix = field->as_bool();
      } else if (field->number == normalizer::kRemovesExtraSpaces) {
        file_.removes_extra_spaces = field->as_bool();
      } else if (field->number == normalizer::kEscapesSpaces) {
        file_.escapes_spaces = field->as_bool();
      }
    }
  }

  void read_denormalizer(std::string_view bytes) {
    ProtobufReader reader(bytes, where_);
    while (const auto field = reader.next()) {
      if (field->number == normalizer::kCharsmap && !field->bytes.empty()) {
        throw Error(fmt::format("{}: a denormalizer is not supported", where_));
      }
    }
  }

  void find_special_pieces() {
    for (size_t id = 0; id < file_.pieces.size(); ++id) {
      const SentencePieceFile::Piece& each = file_.pieces[id];
      const bool is_control = each.type == SentencePieceFile::Type::kControl;
      if (each.type == SentencePieceFile::Type::kUnknown) {
        if (file_.unk_id.has_value()) {
          throw Error(fmt::format("{}: pieces {} and {} are both the unknown one", where_,
                                  *file_.unk_id, id));
        }
        file_.unk_id = static_cast<int32_t>(id);
      } else if (is_control && each.text == bos_piece_) {
        file_.bos_id = static_cast<int32_t>(id);
      } else if (is_control && each.text == eos_piece_) {
        file_.eos_id = static_cast<int32_t>(id);
      }
    }
    if (!file_.unk_id.has_value()) {
      throw Error(fmt::format("{}: no piece is the unknown one", where_));
    }
  }

  void check_user_defined() const {
    std::vector<std::string_view> texts;
    for (const SentencePieceFile::Piece& each : file_.pieces) {
      if (each.type == SentencePieceFile::Type::kUserDefined) {
        texts.push_back(each.text);
      }
    }
    std::sort(texts.begin(), texts.end());
    std::vector<std::string_view> prefixes;  // of the current one, the shortest first
    for (const std::string_view text : texts) {
      while (!prefixes.empty() && !text.starts_with(prefixes.back())) {
        prefixes.pop_back();
      }
      prefixes.push_back(text);
      if (prefixes.size() > kDeepestUserDefined) {
        throw Error(fmt::format("{}: more than {} user-defined pieces begin with one another: '{}'",
                                where_, kDeepestUserDefined, shown(text)));
      }
    }
  }

  std::string_view bytes_;
  const std::string& where_;
  SentencePieceFile file_;
  std::string_view bos_piece_ = "<s>";
  std::string_view eos_piece_ = "</s>";
};

}  // namespace

SentencePieceFile read_sentencepiece(std::string_view bytes, const std::string& where) {
  return FileReader(bytes, where).run();
}

}  // namespace sft
