#include "sft/eval/response_cache.h"

#include <array>
#include <utility>

#include "eval/keyed_rows.h"

#include "sft/io/json.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

Json sampling_json(const Sampling& sampling, uint64_t seed_index) {
  if (sampling.temperature == 0) {
    return "greedy";
  }
  return {{"temperature", sampling.temperature},
          {"top_p", sampling.top_p},
          {"top_k", sampling.top_k},
          {"seed", sampling.seed},
          {"seed_index", seed_index}};
}

std::string key_of(const Json& json) {
  return sha256_hex(dump_json(json, JsonLayout::kCompact));
}

constexpr std::array kFinishes = {FinishReason::kEos, FinishReason::kStop, FinishReason::kLength,
                                  FinishReason::kContext};

std::optional<FinishReason> finish_of(std::string_view name) {
  for (const FinishReason reason : kFinishes) {
    if (finish_name(reason) == name) {
      return reason;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string model_key(const LoadedModel& loaded) {
  return dump_json({{"weights", loaded.weights_sha256},
                    {"adapter", loaded.adapter_sha256.value_or("")},
                    {"settings", loaded.settings_sha256},
                    {"dtype", loaded.dtype},
                    {"device", loaded.device},
                    {"arithmetic", kArithmeticVersion}},
                   JsonLayout::kCompact);
}

ResponseCache::ResponseCache(const std::filesystem::path& folder, std::string_view model_key)
    : rows_(std::make_unique<KeyedRows>(folder, model_key)) {}

ResponseCache::~ResponseCache() = default;

const std::filesystem::path& ResponseCache::path() const {
  return rows_->path();
}

std::string ResponseCache::key(const GenerateRequest& request) {
  return key_of({{"generate", request.prompt_ids},
                 {"max_new_tokens", request.max_new_tokens},
                 {"stops", request.stops},
                 {"sampling", sampling_json(request.sampling, request.seed_index)}});
}

std::string ResponseCache::key(const ScoreRequest& request) {
  return key_of({{"score", request.prompt_ids}, {"completion", request.completion_ids}});
}

std::optional<GenerateResult> ResponseCache::find_generated(const std::string& key) const {
  const std::optional<Json> json = rows_->find(key);
  if (!json || !json->contains("text") || !json->contains("ids") || !json->contains("finish")) {
    return std::nullopt;
  }
  const std::string where = path().string();
  const std::optional<FinishReason> finish =
      finish_of(json_member<std::string>(*json, "finish", where));
  if (!finish) {
    return std::nullopt;
  }
  GenerateResult result;
  result.token_ids = (*json)["ids"].get<std::vector<int32_t>>();
  result.text = json_member<std::string>(*json, "text", where);
  result.finish = *finish;
  return result;
}

std::optional<ScoreResult> ResponseCache::find_scored(const std::string& key) const {
  const std::optional<Json> json = rows_->find(key);
  if (!json || !json->contains("logprobs") || !json->contains("is_greedy")) {
    return std::nullopt;
  }
  ScoreResult result;
  result.token_logprobs = (*json)["logprobs"].get<std::vector<double>>();
  result.is_greedy = json_member<bool>(*json, "is_greedy", path().string());
  return result;
}

void ResponseCache::add(const std::string& key, const GenerateResult& result) {
  rows_->append(
      key,
      {{"ids", result.token_ids}, {"text", result.text}, {"finish", finish_name(result.finish)}});
}

void ResponseCache::add(const std::string& key, const ScoreResult& result) {
  rows_->append(key, {{"logprobs", result.token_logprobs}, {"is_greedy", result.is_greedy}});
}

}  // namespace sft
