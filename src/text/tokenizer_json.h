#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sft/io/json.h"

namespace sft {

// A tokenizer.json. Its two large tables, hundreds of thousands of entries, are read by a scanner
// of their own straight into vectors; the rest is an ordinary JSON value, in which they are null.
// Texts are borrowed from the file's text where that spells them without escapes.
struct TokenizerJson {
  struct Entry {
    std::string_view token;
    int64_t id;
  };
  struct Merge {
    std::string_view left, right;
  };

  struct Scored {
    std::string_view token;
    double score;
  };

  Json rest;
  bool has_token_ids = false;  // model.vocab is an object of ids by token
  std::vector<Entry> vocab;    // in the file's order
  bool has_scores = false;     // model.vocab is a list of tokens with scores
  std::vector<Scored> scored;  // by id
  std::vector<Merge> merges;

  std::string text;  // the file; owns what the views point into, as does `unescaped`
  std::vector<std::unique_ptr<std::string>> unescaped;
};

// Throws Error: broken JSON with its place, or a table of another form.
TokenizerJson parse_tokenizer_json(std::string text, const std::string& where);

}  // namespace sft
