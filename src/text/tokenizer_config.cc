#include "text/tokenizer_config.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "text/json_field.h"
#include "text/token_fields.h"

#include "sft/core/error.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// Classes of transformers that add BOS unless add_bos_token says otherwise.
constexpr std::string_view kBosClasses[] = {
    "LlamaTokenizer",         "LlamaTokenizerFast", "CodeLlamaTokenizer",
    "CodeLlamaTokenizerFast", "GemmaTokenizer",     "GemmaTokenizerFast",
    "InternLMTokenizer",      "InternLM2Tokenizer", "InternLM2TokenizerFast"};

Json read_object(const fs::path& path) {
  if (!fs::exists(path)) {
    return Json::object();
  }
  Json value = read_json(path);
  if (!value.is_object()) {
    throw Error(fmt::format("{}: a {}, not an object", path.string(), value.type_name()));
  }
  return value;
}

// A special token: a string, or an object with its flags.
struct SpecialToken {
  AddedToken token;
  bool has_flags;
};

SpecialToken special_token(const Json& value, const std::string& key, const std::string& where) {
  if (value.is_string()) {
    AddedToken token;
    token.content = value.get<std::string>();
    token.is_special = true;
    token.is_normalized = false;
    return {std::move(token), /*has_flags=*/false};
  }
  if (!value.is_object()) {
    throw Error(fmt::format("{}: '{}' is a {}, not a token", where, key, value.type_name()));
  }
  AddedToken token = added_token(value, where);
  token.is_special = true;
  return {std::move(token), /*has_flags=*/true};
}

class Reader {
 public:
  explicit Reader(const fs::path& folder)
      : config_path_(folder / "tokenizer_config.json"),
        map_path_(folder / "special_tokens_map.json"),
        config_(read_object(config_path_)),
        map_(read_object(map_path_)) {}

  TokenizerConfig run() {
    read_decoder();
    for (const char* const key : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                                  "cls_token", "mask_token"}) {
      read_named(key);
    }
    for (const char* const key : {"additional_special_tokens", "extra_special_tokens"}) {
      read_list(key);
    }
    result_.sets_added_tokens =
        config_.contains("add_bos_token") || config_.contains("add_eos_token");
    result_.adds_bos = field_or(config_, "add_bos_token", false, config_path_.string());
    result_.legacy = field_or(config_, "legacy", true, config_path_.string());
    const auto type = field_or<std::string>(config_, "tokenizer_class", "", config_path_.string());
    result_.adds_bos_by_class =
        std::find(std::begin(kBosClasses), std::end(kBosClasses), type) != std::end(kBosClasses);
    return std::move(result_);
  }

 private:
  // Tokens by id; those of the tokenizer.json with the same content get these flags.
  void read_decoder() {
    const std::string where = config_path_.string();
    const auto decoder = field_or<Json>(config_, "added_tokens_decoder", Json::object(), where);
    if (!decoder.is_object()) {
      throw Error(fmt::format("{}: 'added_tokens_decoder' is a {}, not an object", where,
                              decoder.type_name()));
    }
    std::vector<std::pair<int64_t, AddedToken>> tokens;
    for (const auto& [id, value] : decoder.items()) {
      tokens.emplace_back(token_id(id, where), added_token(value, where));
    }
    std::sort(tokens.begin(), tokens.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [id, token] : tokens) {
      token.id = checked_token_id(id, token.content, where);
      result_.tokens.push_back(std::move(token));
    }
  }

  // The value in the config, else in the map; with the file it is from.
  std::pair<Json, std::string> find(const std::string& key) const {
    const auto in_config = config_.find(key);
    if (in_config != config_.end() && !in_config->is_null()) {
      return {*in_config, config_path_.string()};
    }
    const auto in_map = map_.find(key);
    return {in_map == map_.end() ? Json() : *in_map, map_path_.string()};
  }

  void read_named(const std::string& key) {
    const auto [value, where] = find(key);
    if (value.is_null()) {
      return;
    }
    SpecialToken special = special_token(value, key, where);
    if (key == "bos_token") {
      result_.bos = special.token.content;
    } else if (key == "eos_token") {
      result_.eos = special.token.content;
    }
    add(std::move(special));
  }

  // A list, or an object of tokens by name.
  void read_list(const std::string& key) {
    const auto [value, where] = find(key);
    if (value.is_null()) {
      return;
    }
    if (!value.is_array() && !value.is_object()) {
      throw Error(fmt::format("{}: '{}' is a {}, not a list", where, key, value.type_name()));
    }
    for (const Json& item : value) {
      add(special_token(item, key, where));
    }
  }

  // Flags in added_tokens_decoder hold where the token itself comes without.
  void add(SpecialToken special) {
    for (AddedToken& token : result_.tokens) {
      if (token.content == special.token.content && !special.has_flags) {
        token.is_special = true;
        return;
      }
    }
    result_.tokens.push_back(std::move(special.token));
  }

  fs::path config_path_;
  fs::path map_path_;
  Json config_;
  Json map_;
  TokenizerConfig result_;
};

}  // namespace

TokenizerConfig read_tokenizer_config(const fs::path& folder) {
  return Reader(folder).run();
}

}  // namespace sft
