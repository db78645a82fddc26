#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "text/byte_alphabet.h"
#include "text/byte_bpe_model.h"
#include "text/char_bpe_model.h"
#include "text/json_field.h"
#include "text/model_loader.h"
#include "text/shown_token.h"
#include "text/token_fields.h"

#include "sft/core/error.h"

namespace sft {
namespace {

void check_model(const TokenizerJson& json, const Json& model, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    throw Error(fmt::format("{}: model: {} is not supported", where, what));
  };
  if (field_or(model, "dropout", 0.0, where) != 0.0) {
    refuse("BPE with dropout");
  }
  for (const char* const key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!field_or<std::string>(model, key, "", where).empty()) {
      refuse(fmt::format("BPE with {}", key));
    }
  }
  if (!json.has_token_ids) {
    throw Error(fmt::format("{}: model.vocab is no object of ids by token", where));
  }
}

// The tokens by their strings; those that are written in byte letters, where the model is of
// bytes, by their bytes.
class VocabularyReader {
 public:
  VocabularyReader(bool is_byte_level, const std::string& where)
      : is_byte_level_(is_byte_level), where_(where) {}

  void read(const TokenizerJson& json) {
    for (const TokenizerJson::Entry& entry : json.vocab) {
      const int32_t id = checked_token_id(entry.id, shown(entry.token), where_);
      const std::optional<std::string> bytes =
          is_byte_level_ ? letters_to_bytes(entry.token) : std::nullopt;
      if (is_byte_level_ && !bytes.has_value()) {
        add_unreachable(entry.token, id);
        continue;
      }
      const std::string_view piece = bytes.has_value() ? std::string_view(*bytes) : entry.token;
      if (unreachable.contains(id) || !vocabulary.add(piece, id)) {
        refuse_duplicate(piece, entry.token, id);
      }
    }
  }

  std::optional<int32_t> find(std::string_view token) const {
    if (!is_byte_level_) {
      return vocabulary.find(token);
    }
    if (const std::optional<std::string> bytes = letters_to_bytes(token)) {
      return vocabulary.find(*bytes);
    }
    const auto found = unreachable_ids_.find(token);
    return found == unreachable_ids_.end() ? std::nullopt : std::optional<int32_t>(found->second);
  }

  Vocabulary vocabulary;
  std::map<int32_t, std::string> unreachable;

 private:
  void add_unreachable(std::string_view token, int32_t id) {
    if (vocabulary.has(id) || !unreachable.emplace(id, token).second) {
      throw Error(
          fmt::format("{}: id {} is given to '{}' and to another token", where_, id, shown(token)));
    }
    if (!unreachable_ids_.emplace(token, id).second) {
      throw Error(fmt::format("{}: token '{}' is listed twice", where_, shown(token)));
    }
  }

  [[noreturn]] void refuse_duplicate(std::string_view piece, std::string_view token,
                                     int32_t id) const {
    if (const std::optional<int32_t> other = vocabulary.find(piece)) {
      throw Error(fmt::format("{}: token '{}' is listed twice, with ids {} and {}", where_,
                              shown(token), *other, id));
    }
    const std::string_view first = vocabulary.bytes(id);
    throw Error(fmt::format("{}: id {} is given to '{}' and to '{}'", where_, id,
                            shown(is_byte_level_ ? bytes_to_letters(first) : std::string(first)),
                            shown(token)));
  }

  bool is_byte_level_;
  const std::string& where_;
  std::map<std::string, int32_t, std::less<>> unreachable_ids_;
};

MergeTable read_merges(const TokenizerJson& json, const VocabularyReader& vocabulary,
                       const std::string& where) {
  MergeTable merges;
  merges.reserve(json.merges.size());
  std::string joined;
  for (size_t rank = 0; rank < json.merges.size(); ++rank) {
    const TokenizerJson::Merge& merge = json.merges[rank];
    const auto id_of = [&](std::string_view token) {
      const std::optional<int32_t> id = vocabulary.find(token);
      if (!id.has_value()) {
        throw Error(
            fmt::format("{}: merge {} ('{}' and '{}') needs token '{}', which model.vocab lacks",
                        where, rank, shown(merge.left), shown(merge.right), shown(token)));
      }
      return *id;
    };
    const int32_t left = id_of(merge.left);
    const int32_t right = id_of(merge.right);
    joined.assign(merge.left).append(merge.right);
    merges.add(left, right, {static_cast<uint32_t>(rank), id_of(joined)});
  }
  return merges;
}

std::optional<int32_t> read_unk(const Json& model, const VocabularyReader& vocabulary,
                                const std::string& where) {
  const auto token = field_or<std::string>(model, "unk_token", "", where);
  if (token.empty()) {
    return std::nullopt;
  }
  const std::optional<int32_t> id = vocabulary.find(token);
  if (!id.has_value()) {
    throw Error(fmt::format("{}: unk_token '{}' is not in model.vocab", where, shown(token)));
  }
  return id;
}

}  // namespace

std::unique_ptr<TokenModel> load_byte_bpe_model(const TokenizerJson& json, const Json& model,
                                                const std::string& where) {
  check_model(json, model, where);
  if (field_or(model, "byte_fallback", false, where)) {
    throw Error(fmt::format("{}: model: byte_fallback is not supported with ByteLevel", where));
  }
  VocabularyReader vocabulary(/*is_byte_level=*/true, where);
  vocabulary.read(json);
  ByteBpeSpec spec;
  spec.merges = read_merges(json, vocabulary, where);
  spec.ignores_merges = field_or(model, "ignore_merges", false, where);
  spec.unk_id = read_unk(model, vocabulary, where);
  spec.fuses_unk = field_or(model, "fuse_unk", false, where);
  spec.vocabulary = std::move(vocabulary.vocabulary);
  spec.unreachable = std::move(vocabulary.unreachable);
  return std::make_unique<ByteBpeModel>(std::move(spec));
}

std::unique_ptr<TokenModel> load_char_bpe_model(const TokenizerJson& json, const Json& model,
                                                const std::string& where) {
  check_model(json, model, where);
  VocabularyReader vocabulary(/*is_byte_level=*/false, where);
  vocabulary.read(json);
  CharBpeSpec spec;
  spec.merges = read_merges(json, vocabulary, where);
  spec.has_byte_fallback = field_or(model, "byte_fallback", false, where);
  spec.ignores_merges = field_or(model, "ignore_merges", false, where);
  spec.unk_id = read_unk(model, vocabulary, where);
  spec.fuses_unk = field_or(model, "fuse_unk", false, where);
  spec.vocabulary = std::move(vocabulary.vocabulary);
  return std::make_unique<CharBpeModel>(std::move(spec));
}

}  // namespace sft
