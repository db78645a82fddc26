#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "text/json_field.h"
#include "text/model_loader.h"
#include "text/shown_token.h"
#include "text/token_fields.h"
#include "text/unigram_model.h"

#include "sft/core/error.h"

namespace sft {

std::unique_ptr<TokenModel> load_unigram_model(const TokenizerJson& json, const Json& model,
                                               const std::string& where) {
  if (!json.has_scores || json.scored.empty()) {
    throw Error(fmt::format("{}: model.vocab is no list of tokens with scores", where));
  }
  UnigramSpec spec;
  spec.where = where;
  for (const TokenizerJson::Scored& entry : json.scored) {
    const int32_t id =
        checked_token_id(static_cast<int64_t>(spec.scores.size()), shown(entry.token), where);
    if (!std::isfinite(entry.score)) {
      throw Error(
          fmt::format("{}: the score of '{}' is {}", where, shown(entry.token), entry.score));
    }
    if (!spec.vocabulary.add(entry.token, id)) {
      throw Error(fmt::format("{}: token '{}' is listed twice, with ids {} and {}", where,
                              shown(entry.token), *spec.vocabulary.find(entry.token), id));
    }
    spec.scores.push_back(entry.score);
  }
  const auto unk_id = field_or<int64_t>(model, "unk_id", -1, where);
  if (unk_id >= spec.vocabulary.size() || unk_id < -1) {
    throw Error(fmt::format("{}: unk_id {} is none of the {} tokens", where, unk_id,
                            spec.vocabulary.size()));
  }
  if (unk_id >= 0) {
    spec.unk_id = static_cast<int32_t>(unk_id);
  }
  spec.has_byte_fallback = field_or(model, "byte_fallback", false, where);
  return std::make_unique<UnigramModel>(std::move(spec));
}

}  // namespace sft
