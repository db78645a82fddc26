#include "text/pipeline_loader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "text/json_field.h"
#include "text/model_loader.h"
#include "text/post_processor.h"
#include "text/shown_token.h"
#include "text/token_fields.h"

#include "sft/core/error.h"

namespace sft {
namespace {

AddedToken* find_added(PipelineSpec& spec, std::string_view content) {
  const auto found =
      std::find_if(spec.added_tokens.begin(), spec.added_tokens.end(),
                   [&](const AddedToken& token) { return token.content == content; });
  return found == spec.added_tokens.end() ? nullptr : &*found;
}

class PipelineLoader {
 public:
  PipelineLoader(const TokenizerJson& json, const std::string& where)
      : json_(json), where_(where) {}

  PipelineSpec run() {
    PreTokenizers pre_tokenizers =
        load_pre_tokenizers(part("pre_tokenizer"), where_ + ": pre_tokenizer");
    spec_.pre_tokenizers = std::move(pre_tokenizers.steps);
    spec_.model = load_model(pre_tokenizers.is_byte_level);
    read_added_tokens();
    spec_.normalizers = load_normalizers(part("normalizer"), where_ + ": normalizer");
    read_decoder(pre_tokenizers.is_byte_level);
    return std::move(spec_);
  }

 private:
  Json part(const std::string& key) const {
    return field_or<Json>(json_.rest, key, Json(), where_);
  }

  std::unique_ptr<TokenModel> load_model(bool is_byte_level) const {
    const Json model = json_member<Json>(json_.rest, "model", where_);
    if (!model.is_object()) {
      throw Error(fmt::format("{}: 'model' is a {}, not an object", where_, model.type_name()));
    }
    // Old files do not say; then it is told from the form.
    const auto type =
        field_or<std::string>(model, "type", json_.has_scores ? "Unigram" : "BPE", where_);
    if (type == "BPE") {
      return (is_byte_level ? load_byte_bpe_model : load_char_bpe_model)(json_, model, where_);
    }
    if (type != "Unigram") {
      throw Error(
          fmt::format("{}: model: '{}' is not supported (known: BPE, Unigram)", where_, type));
    }
    if (is_byte_level) {
      throw Error(fmt::format("{}: model: Unigram is not supported with ByteLevel", where_));
    }
    return load_unigram_model(json_, model, where_);
  }

  void read_added_tokens() {
    for (const Json& item : list_field(json_.rest, "added_tokens", where_)) {
      AddedToken token = added_token(item, where_ + ": added_tokens");
      token.id = checked_token_id(json_member<int64_t>(item, "id", where_ + ": added_tokens"),
                                  shown(token.content), where_);
      check_free(token);
      spec_.added_tokens.push_back(std::move(token));
    }
  }

  // Throws where another token has the id or the content of `token`.
  void check_free(const AddedToken& token) const {
    const std::optional<int32_t> known = spec_.model->find(token.content);
    if (known.has_value() && *known != token.id) {
      throw Error(fmt::format("{}: added token '{}' has id {}, in model.vocab {}", where_,
                              shown(token.content), token.id, *known));
    }
    const bool has_other = !known.has_value() && !spec_.model->token(token.id).empty();
    const bool is_second = std::any_of(
        spec_.added_tokens.begin(), spec_.added_tokens.end(), [&](const AddedToken& other) {
          return other.id == token.id || other.content == token.content;
        });
    if (has_other || is_second) {
      throw Error(fmt::format("{}: added token '{}' with id {}: another token has that {}", where_,
                              shown(token.content), token.id, is_second ? "id or text" : "id"));
    }
  }

  void read_decoder(bool is_byte_level) {
    const Json decoder = part("decoder");
    const std::string place = where_ + ": decoder";
    if (!is_byte_level) {
      spec_.decoder = TokenDecoder::load(decoder, place);
      return;
    }
    if (!decoder.is_null()) {
      const auto type = json_member<std::string>(decoder, "type", place);
      if (type != "ByteLevel") {
        throw Error(
            fmt::format("{}: '{}' is not supported with a pre-tokenizer ByteLevel (known: "
                        "ByteLevel)",
                        place, type));
      }
    }
    spec_.decoder = TokenDecoder::byte_level();
  }

  const TokenizerJson& json_;
  const std::string& where_;
  PipelineSpec spec_;
};

int32_t max_id(const PipelineSpec& spec) {
  int32_t max_id = spec.model->size() - 1;
  for (const AddedToken& token : spec.added_tokens) {
    max_id = std::max(max_id, token.id);
  }
  return max_id;
}

}  // namespace

void add_config(const TokenizerConfig& config, ConfigIds ids, const std::string& where,
                PipelineSpec& spec) {
  int64_t next_id = int64_t{max_id(spec)} + 1;
  for (AddedToken token : config.tokens) {
    if (token.content.empty()) {
      continue;
    }
    if (AddedToken* const known = find_added(spec, token.content)) {
      token.id = known->id;
      token.is_special = token.is_special || known->is_special;
      *known = std::move(token);
      continue;
    }
    const bool has_id = ids == ConfigIds::kTake && token.id != AddedToken::kNoId;
    const std::optional<int32_t> in_model = spec.model->find(token.content);
    token.id = in_model.has_value() ? *in_model
               : has_id             ? token.id
                                    : checked_token_id(next_id, shown(token.content), where);
    next_id = std::max(next_id, int64_t{token.id} + 1);
    spec.added_tokens.push_back(std::move(token));
  }
  const auto id_of = [&](const std::optional<std::string>& token) {
    const AddedToken* const added = token.has_value() ? find_added(spec, *token) : nullptr;
    return added == nullptr ? std::nullopt : std::optional<int32_t>(added->id);
  };
  if (config.bos.has_value()) {
    spec.bos_id = id_of(config.bos);
  }
  if (config.eos.has_value()) {
    spec.eos_id = id_of(config.eos);
  }
  if (config.sets_added_tokens) {
    spec.prefix_ids.clear();
    if (config.adds_bos && spec.bos_id.has_value()) {
      spec.prefix_ids = {*spec.bos_id};
    }
  }
}

std::unique_ptr<Tokenizer> load_pipeline_tokenizer(const TokenizerJson& json,
                                                   const TokenizerConfig& config,
                                                   const std::string& where) {
  PipelineSpec spec = PipelineLoader(json, where).run();
  if (!config.sets_added_tokens) {
    spec.prefix_ids = load_prefix_ids(field_or<Json>(json.rest, "post_processor", Json(), where),
                                      where + ": post_processor");
  }
  add_config(config, ConfigIds::kIgnore, where, spec);
  return std::make_unique<PipelineTokenizer>(std::move(spec));
}

}  // namespace sft
