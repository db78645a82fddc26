#include "sft/results/sample_record.h"

namespace sft {
namespace {

template <typename T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace

Json to_json(const SampleRecord& sample) {
  Json json = {{"id", sample.id},
               {"prompt", json_or_null(sample.prompt)},
               {"response", sample.response},
               {"extracted", sample.extracted},
               {"reference", sample.reference},
               {"score", sample.score},
               {"prompt_tokens", json_or_null(sample.prompt_tokens)},
               {"response_tokens", json_or_null(sample.response_tokens)},
               {"finish", json_or_null(sample.finish)}};
  if (sample.strict) {
    json["strict_extracted"] = sample.strict->extracted;
    json["strict_score"] = sample.strict->score;
  }
  return json;
}

}  // namespace sft
