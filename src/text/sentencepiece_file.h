#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/charsmap.h"
#include "text/vocabulary.h"

namespace sft {

// What a sentencepiece `.model` file holds, a protobuf message ModelProto (google/sentencepiece,
// src/sentencepiece_model.proto), as far as we look at it.
struct SentencePieceFile {
  enum class Type : uint8_t {
    kNormal = 1,
    kUnknown = 2,
    kControl = 3,
    kUserDefined = 4,
    kUnused = 5,
    kByte = 6,
  };
  struct Piece {
    std::string_view text;
    float score = 0;
    Type type = Type::kNormal;
  };
  enum class Kind : int64_t { kUnigram = 1, kBpe = 2 };

  std::vector<Piece> pieces;  // by id; views into the file's bytes
  Vocabulary vocabulary;      // of their texts
  Kind kind = Kind::kUnigram;
  bool is_suffix_style = false;  // white space ends a word, not begins it
  std::string unk_surface = " \xE2\x81\x87 ";
  bool has_byte_fallback = false;
  std::optional<Charsmap> charsmap;
  bool adds_dummy_prefix = true;
  bool removes_extra_spaces = true;
  bool escapes_spaces = true;
  std::optional<int32_t> unk_id, bos_id, eos_id;  // the control pieces of their names
};

// Reads and checks a file's bytes, so that the sentencepiece library, which trusts what it is
// given, can be given them: no look-up leaves the tables. Throws Error: what is broken, or what is
// not supported, by name.
SentencePieceFile read_sentencepiece(std::string_view bytes, const std::string& where);

}  // namespace sft
