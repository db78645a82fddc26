#include "text/bpe_loader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "text/bpe_tokenizer.h"
#include "text/byte_alphabet.h"
#include "text/json_field.h"
#include "text/nfc.h"
#include "text/token_fields.h"
#include "text/utf8.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr size_t kLongestShown = 60;  // bytes of a token in a message
constexpr int kDeepest = 16;          // Sequences in Sequences

std::string shown(std::string_view token) {
  return token.size() <= kLongestShown ? std::string(token)
                                       : std::string(token.substr(0, kLongestShown)) + "...";
}

void check_model(const Json& model, const std::string& where) {
  const auto refuse = [&](const std::string& what) {
    throw Error(fmt::format("{}: model: {} is not supported (known: byte-level BPE)", where, what));
  };
  if (const auto type = field_or<std::string>(model, "type", "BPE", where); type != "BPE") {
    refuse(fmt::format("'{}'", type));
  }
  if (field_or(model, "byte_fallback", false, where)) {
    refuse("BPE with byte_fallback");
  }
  if (field_or(model, "dropout", 0.0, where) != 0.0) {
    refuse("BPE with dropout");
  }
  for (const char* const key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!field_or<std::string>(model, key, "", where).empty()) {
      refuse(fmt::format("BPE with {}", key));
    }
  }
}

class BpeLoader {
 public:
  BpeLoader(const TokenizerJson& json, const TokenizerConfig& config, const std::string& where)
      : json_(json), config_(config), where_(where) {}

  std::unique_ptr<Tokenizer> run() {
    const Json model = json_member<Json>(json_.rest, "model", where_);
    if (!model.is_object()) {
      throw Error(fmt::format("{}: 'model' is a {}, not an object", where_, model.type_name()));
    }
    check_model(model, where_);
    if (!json_.has_token_ids) {
      throw Error(fmt::format("{}: model.vocab is no object of ids by token", where_));
    }
    read_vocabulary();
    read_merges();
    spec_.ignores_merges = field_or(model, "ignore_merges", false, where_);
    spec_.fuses_unk = field_or(model, "fuse_unk", false, where_);
    read_unk(field_or<std::string>(model, "unk_token", "", where_));
    read_added_tokens();
    add_config_tokens();
    read_normalizer(field_or<Json>(json_.rest, "normalizer", Json(), where_), 0);
    spec_.pre_tokenizers = byte_level_pre_tokenizers(
        field_or<Json>(json_.rest, "pre_tokenizer", Json(), where_), where_ + ": pre_tokenizer");
    check_decoder();
    spec_.bos_id = id_of(config_.bos);
    spec_.eos_id = id_of(config_.eos);
    read_prefix();
    return std::make_unique<BpeTokenizer>(std::move(spec_));
  }

 private:
  void read_vocabulary() {
    for (const TokenizerJson::Entry& entry : json_.vocab) {
      const int32_t id = checked_token_id(entry.id, shown(entry.token), where_);
      max_id_ = std::max(max_id_, id);
      const std::optional<std::string> bytes = letters_to_bytes(entry.token);
      if (!bytes.has_value()) {
        add_unreachable(entry.token, id);
      } else if (spec_.unreachable.contains(id) || !spec_.vocabulary.add(*bytes, id)) {
        refuse_duplicate(*bytes, entry.token, id);
      }
    }
  }

  void add_unreachable(std::string_view token, int32_t id) {
    if (spec_.vocabulary.has(id) || !spec_.unreachable.emplace(id, token).second) {
      throw Error(
          fmt::format("{}: id {} is given to '{}' and to another token", where_, id, shown(token)));
    }
    if (!unreachable_ids_.emplace(token, id).second) {
      throw Error(fmt::format("{}: token '{}' is listed twice", where_, shown(token)));
    }
  }

  [[noreturn]] void refuse_duplicate(const std::string& bytes, std::string_view token,
                                     int32_t id) const {
    if (const std::optional<int32_t> other = spec_.vocabulary.find(bytes)) {
      throw Error(fmt::format("{}: token '{}' is listed twice, with ids {} and {}", where_,
                              shown(token), *other, id));
    }
    throw Error(fmt::format("{}: id {} is given to '{}' and to '{}'", where_, id,
                            shown(bytes_to_letters(spec_.vocabulary.bytes(id))), shown(token)));
  }

  void read_merges() {
    spec_.merges.reserve(json_.merges.size());
    std::string joined;
    for (size_t rank = 0; rank < json_.merges.size(); ++rank) {
      const TokenizerJson::Merge& merge = json_.merges[rank];
      const int32_t left = merged_id(merge.left, rank);
      const int32_t right = merged_id(merge.right, rank);
      joined.assign(merge.left).append(merge.right);
      spec_.merges.add(left, right, {static_cast<uint32_t>(rank), merged_id(joined, rank)});
    }
  }

  int32_t merged_id(std::string_view token, size_t rank) const {
    if (const std::optional<int32_t> id = vocabulary_id(token)) {
      return *id;
    }
    const TokenizerJson::Merge& merge = json_.merges[rank];
    throw Error(
        fmt::format("{}: merge {} ('{}' and '{}') needs token '{}', which model.vocab lacks",
                    where_, rank, shown(merge.left), shown(merge.right), shown(token)));
  }

  std::optional<int32_t> vocabulary_id(std::string_view token) const {
    if (const std::optional<std::string> bytes = letters_to_bytes(token)) {
      return spec_.vocabulary.find(*bytes);
    }
    const auto found = unreachable_ids_.find(token);
    return found == unreachable_ids_.end() ? std::nullopt : std::optional<int32_t>(found->second);
  }

  void read_unk(const std::string& token) {
    if (token.empty()) {
      return;
    }
    spec_.unk_id = vocabulary_id(token);
    if (!spec_.unk_id.has_value()) {
      throw Error(fmt::format("{}: unk_token '{}' is not in model.vocab", where_, shown(token)));
    }
  }

  void read_added_tokens() {
    for (const Json& item : list_field(json_.rest, "added_tokens", where_)) {
      AddedToken token = added_token(item, where_ + ": added_tokens");
      token.id = checked_token_id(json_member<int64_t>(item, "id", where_ + ": added_tokens"),
                                  shown(token.content), where_);
      if (const std::optional<int32_t> known = vocabulary_id(token.content);
          known.has_value() && *known != token.id) {
        throw Error(fmt::format("{}: added token '{}' has id {}, in model.vocab {}", where_,
                                shown(token.content), token.id, *known));
      }
      check_free(token);
      max_id_ = std::max(max_id_, token.id);
      spec_.added_tokens.push_back(std::move(token));
    }
  }

  // Throws where another token has the id or the content of `token`.
  void check_free(const AddedToken& token) const {
    const bool is_in_vocab = vocabulary_id(token.content).has_value();
    const bool has_other =
        !is_in_vocab && (spec_.vocabulary.has(token.id) || spec_.unreachable.contains(token.id));
    const bool is_second = std::any_of(
        spec_.added_tokens.begin(), spec_.added_tokens.end(), [&](const AddedToken& other) {
          return other.id == token.id || other.content == token.content;
        });
    if (has_other || is_second) {
      throw Error(fmt::format("{}: added token '{}' with id {}: another token has that {}", where_,
                              shown(token.content), token.id, is_second ? "id or text" : "id"));
    }
  }

  // As transformers does: a token that is known gets the config's flags, an unknown one the next
  // free id.
  void add_config_tokens() {
    for (AddedToken token : config_.tokens) {
      if (token.content.empty()) {
        continue;
      }
      const auto known =
          std::find_if(spec_.added_tokens.begin(), spec_.added_tokens.end(),
                       [&](const AddedToken& other) { return other.content == token.content; });
      if (known != spec_.added_tokens.end()) {
        token.id = known->id;
        token.is_special = token.is_special || known->is_special;
        *known = std::move(token);
        continue;
      }
      const std::optional<int32_t> id = vocabulary_id(token.content);
      token.id =
          id.has_value() ? *id : checked_token_id(int64_t{max_id_} + 1, token.content, where_);
      max_id_ = std::max(max_id_, token.id);
      spec_.added_tokens.push_back(std::move(token));
    }
  }

  std::optional<int32_t> id_of(const std::optional<std::string>& token) const {
    if (!token.has_value()) {
      return std::nullopt;
    }
    for (const AddedToken& added : spec_.added_tokens) {
      if (added.content == *token) {
        return added.id;
      }
    }
    return std::nullopt;
  }

  void read_normalizer(const Json& normalizer, int depth) {
    if (normalizer.is_null()) {
      return;
    }
    const std::string place = where_ + ": normalizer";
    const auto type = json_member<std::string>(normalizer, "type", place);
    if (type == "Sequence" && depth < kDeepest) {
      for (const Json& item : list_field(normalizer, "normalizers", place)) {
        read_normalizer(item, depth + 1);
      }
    } else if (type == "NFC") {
      spec_.normalizers.push_back(normalize_nfc);
    } else {
      throw Error(fmt::format("{}: '{}' is not supported (known: NFC, Sequence)", place, type));
    }
  }

  void check_decoder() const {
    const auto decoder = field_or<Json>(json_.rest, "decoder", Json(), where_);
    if (decoder.is_null()) {
      return;
    }
    const auto type = json_member<std::string>(decoder, "type", where_ + ": decoder");
    if (type != "ByteLevel") {
      throw Error(
          fmt::format("{}: decoder: '{}' is not supported (known: ByteLevel)", where_, type));
    }
  }

  void read_prefix() {
    if (!config_.sets_added_tokens) {
      read_post_processor(field_or<Json>(json_.rest, "post_processor", Json(), where_), 0);
    } else if (config_.adds_bos && spec_.bos_id.has_value()) {
      spec_.prefix_ids = {*spec_.bos_id};
    }
  }

  void read_post_processor(const Json& processor, int depth) {
    if (processor.is_null()) {
      return;
    }
    const std::string place = where_ + ": post_processor";
    const auto type = json_member<std::string>(processor, "type", place);
    if (type == "Sequence" && depth < kDeepest) {
      for (const Json& item : list_field(processor, "processors", place)) {
        read_post_processor(item, depth + 1);
      }
    } else if (type == "TemplateProcessing") {
      read_template(processor, place);
    } else if (type != "ByteLevel") {
      throw Error(
          fmt::format("{}: '{}' is not supported (known: TemplateProcessing, ByteLevel, Sequence)",
                      place, type));
    }
  }

  // What stands before the text; what stands behind it, an EOS, is not added to prompts.
  void read_template(const Json& processor, const std::string& place) {
    const Json tokens = field_or<Json>(processor, "special_tokens", Json::object(), place);
    std::vector<int32_t> prefix;
    for (const Json& item : list_field(processor, "single", place)) {
      if (!item.is_object() || !item.contains("SpecialToken")) {
        break;
      }
      const auto name = json_member<std::string>(item["SpecialToken"], "id", place);
      const Json token = json_member<Json>(tokens, name, place);
      for (const Json& id : list_field(token, "ids", place)) {
        if (!id.is_number_integer()) {
          throw Error(fmt::format("{}: an id of '{}' is no integer", place, shown(name)));
        }
        prefix.push_back(checked_token_id(id.get<int64_t>(), shown(name), place));
      }
    }
    // The processors of a Sequence wrap what those before them made.
    spec_.prefix_ids.insert(spec_.prefix_ids.begin(), prefix.begin(), prefix.end());
  }

  const TokenizerJson& json_;
  const TokenizerConfig& config_;
  const std::string& where_;
  BpeSpec spec_;
  std::map<std::string, int32_t, std::less<>> unreachable_ids_;
  int32_t max_id_ = -1;
};

}  // namespace

std::unique_ptr<Tokenizer> load_bpe_tokenizer(const TokenizerJson& json,
                                              const TokenizerConfig& config,
                                              const std::string& where) {
  return BpeLoader(json, config, where).run();
}

}  // namespace sft
