#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sft/infer/language_model.h"
#include "sft/infer/load.h"

namespace sft {

class KeyedRows;

// Everything about a model that its answers depend on: weights, adapter, config and tokenizer,
// arithmetic. Equal texts mean equal models.
std::string model_key(const LoadedModel& loaded);

// The answers of one model, kept in a file so that what was asked once is never asked again. The
// key of an answer is everything that it depends on beside the model: of a text the prompt's ids,
// length, stops and sampling, of log-probabilities the ids of prompt and completion. Neither the
// batch nor the task.
//
// The file, <folder>/<first 32 digits of SHA-256 of the model's key>.jsonl, is only ever appended
// to, so that runs side by side may share it and a killed run loses nothing but a row half written:
//
//   {"key": SHA-256 in hex, "ids": [...], "text": TEXT, "finish": "eos"}     a text
//   {"key": SHA-256 in hex, "logprobs": [...], "is_greedy": true}            log-probabilities
//
// Throws Error where the file cannot be written. Safe to share between threads.
class ResponseCache {
 public:
  ResponseCache(const std::filesystem::path& folder, std::string_view model_key);
  ~ResponseCache();
  ResponseCache(const ResponseCache&) = delete;
  ResponseCache& operator=(const ResponseCache&) = delete;

  static std::string key(const GenerateRequest& request);
  static std::string key(const ScoreRequest& request);

  std::optional<GenerateResult> find_generated(const std::string& key) const;
  std::optional<ScoreResult> find_scored(const std::string& key) const;
  void add(const std::string& key, const GenerateResult& result);
  void add(const std::string& key, const ScoreResult& result);

  const std::filesystem::path& path() const;

 private:
  std::unique_ptr<KeyedRows> rows_;
};

}  // namespace sft
