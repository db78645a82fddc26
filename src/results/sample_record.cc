#include "sft/results/sample_record.h"

#include "sft/core/error.h"

namespace sft {
namespace {

template <typename T>
Json json_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

// A member that may be absent or null.
template <typename T>
std::optional<T> optional_member(const Json& json, const std::string& key,
                                 const std::string& where) {
  if (!json.contains(key) || json_member<Json>(json, key, where).is_null()) {
    return std::nullopt;
  }
  return json_member<T>(json, key, where);
}

std::vector<SampleRecord::Verdict> read_verdicts(const Json& list, const std::string& where) {
  std::vector<SampleRecord::Verdict> verdicts;
  for (const Json& verdict : list) {
    verdicts.push_back({.name = json_member<std::string>(verdict, "name", where),
                        .text = json_member<std::string>(verdict, "text", where),
                        .value = optional_member<double>(verdict, "value", where)});
  }
  return verdicts;
}

}  // namespace

Json to_json(const SampleRecord& sample) {
  Json json = {
      {"id", sample.id},
      {"prompt", json_or_null(sample.prompt)},
      {"response", sample.response},
      {"extracted", sample.extracted},
      {"reference", sample.references.empty() ? Json(sample.reference) : Json(sample.references)},
      {"score", sample.score},
      {"prompt_tokens", json_or_null(sample.prompt_tokens)},
      {"response_tokens", json_or_null(sample.response_tokens)},
      {"finish", json_or_null(sample.finish)}};
  if (!sample.outcome.empty()) {
    json["outcome"] = sample.outcome;
  }
  if (sample.strict) {
    json["strict_extracted"] = sample.strict->extracted;
    json["strict_score"] = sample.strict->score;
    if (!sample.strict->outcome.empty()) {
      json["strict_outcome"] = sample.strict->outcome;
    }
  }
  if (!sample.choice_logprobs.empty()) {
    json["choice_logprobs"] = sample.choice_logprobs;
  }
  if (!sample.earlier_responses.empty()) {
    json["earlier_responses"] = sample.earlier_responses;
  }
  for (const SampleRecord::Verdict& verdict : sample.verdicts) {
    json["verdicts"].push_back(
        {{"name", verdict.name}, {"text", verdict.text}, {"value", json_or_null(verdict.value)}});
  }
  return json;
}

SampleRecord sample_from_json(const Json& json, const std::string& where) {
  SampleRecord sample;
  sample.id = json_member<std::string>(json, "id", where);
  sample.prompt = optional_member<std::string>(json, "prompt", where);
  sample.response = json_member<std::string>(json, "response", where);
  sample.extracted = json_member<std::string>(json, "extracted", where);
  const Json reference = json_member<Json>(json, "reference", where);
  if (reference.is_array()) {
    sample.references =
        json_texts(reference, where + ": 'reference' must be text or a list of texts");
  } else {
    sample.reference = json_member<std::string>(json, "reference", where);
  }
  sample.score = json_member<double>(json, "score", where);
  sample.prompt_tokens = optional_member<int64_t>(json, "prompt_tokens", where);
  sample.response_tokens = optional_member<int64_t>(json, "response_tokens", where);
  sample.finish = optional_member<std::string>(json, "finish", where);
  sample.outcome = optional_member<std::string>(json, "outcome", where).value_or("");
  if (json.contains("strict_score")) {
    sample.strict = {
        .extracted = json_member<std::string>(json, "strict_extracted", where),
        .score = json_member<double>(json, "strict_score", where),
        .outcome = optional_member<std::string>(json, "strict_outcome", where).value_or("")};
  }
  if (json.contains("choice_logprobs")) {
    for (const Json& logprob : json_member<Json>(json, "choice_logprobs", where)) {
      if (!logprob.is_number()) {
        throw Error(where + ": 'choice_logprobs' must be a list of numbers");
      }
      sample.choice_logprobs.push_back(logprob.get<double>());
    }
  }
  if (json.contains("earlier_responses")) {
    sample.earlier_responses =
        json_texts(json["earlier_responses"], where + ": 'earlier_responses' must be texts");
  }
  if (json.contains("verdicts")) {
    sample.verdicts = read_verdicts(json["verdicts"], where + ": in 'verdicts'");
  }
  return sample;
}

}  // namespace sft
