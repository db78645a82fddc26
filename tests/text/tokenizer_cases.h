#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "temp_folder.h"

#include "sft/io/json.h"
#include "sft/text/tokenizer.h"

namespace sft {

inline std::filesystem::path tokenizer_cases_folder() {
  return std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/cases/tokenizer";
}

// The small tokenizer of tests/cases/tokenizer with the members of `spec` in place of its own;
// ignore_merges, vocab, merges and the like are the model's.
inline Json small_tokenizer_json(const Json& spec = Json::object()) {
  Json json = read_json(tokenizer_cases_folder() / "tokenizer.json");
  for (const auto& [key, value] : spec.items()) {
    (json["model"].contains(key) ? json["model"] : json)[key] = value;
  }
  return json;
}

inline std::unique_ptr<Tokenizer> small_tokenizer(const Json& spec = Json::object()) {
  const TempFolder folder;
  return load_tokenizer(folder.write("tokenizer.json", small_tokenizer_json(spec).dump()));
}

}  // namespace sft
