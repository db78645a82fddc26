// `sft score`: log-probabilities of completions.

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/model_flags.h"

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/core/progress.h"
#include "sft/infer/language_model.h"
#include "sft/infer/load.h"
#include "sft/io/jsonl.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

struct ScoreFlags {
  ModelFlags model;
  std::string input;
  std::string output;
};

std::vector<int32_t> ids_of(const Json& row, const std::string& key, const std::string& where) {
  const Json list = json_member<Json>(row, key, where);
  const auto is_integer = [](const Json& id) { return id.is_number_integer(); };
  if (!list.is_array() || !std::all_of(list.begin(), list.end(), is_integer)) {
    throw Error(where + ": " + key + " must be a list of token ids");
  }
  std::vector<int32_t> ids;
  for (const Json& id : list) {
    // What no vocabulary holds stays so when it is cut to 32 bits.
    ids.push_back(static_cast<int32_t>(
        std::clamp<int64_t>(id.get<int64_t>(), -1, std::numeric_limits<int32_t>::max())));
  }
  return ids;
}

// Prompt and completion are one text, tokenized once; a token belongs to the completion if its
// bytes end after the prompt's last byte.
ScoreRequest request_of(const JsonlReader::Row& row, const Tokenizer& tokenizer) {
  if (!row.value.is_object()) {
    throw Error(row.where + ": must be an object with prompt and completion");
  }
  if (row.value.contains("prompt_ids") || row.value.contains("completion_ids")) {
    return {.prompt_ids = context_ids(tokenizer, ids_of(row.value, "prompt_ids", row.where)),
            .completion_ids = ids_of(row.value, "completion_ids", row.where)};
  }
  const auto prompt = json_member<std::string>(row.value, "prompt", row.where);
  const auto completion = json_member<std::string>(row.value, "completion", row.where);
  const Encoding encoding = tokenizer.encode(prompt + completion, SpecialTokens::kAdd);
  const auto split = encoding.ids.begin() +
                     static_cast<std::ptrdiff_t>(num_prompt_tokens(encoding, prompt.size()));
  return {.prompt_ids = context_ids(tokenizer, {encoding.ids.begin(), split}),
          .completion_ids = {split, encoding.ids.end()}};
}

Json result_json(const ScoreRequest& request, const ScoreResult& result) {
  double sum = 0;
  for (const double logprob : result.token_logprobs) {
    sum += logprob;
  }
  return {{"token_ids", request.completion_ids},
          {"token_logprobs", result.token_logprobs},
          {"logprob", sum},
          {"is_greedy", result.is_greedy}};
}

void check_ids_at(const ScoreRequest& request, const std::string& where,
                  const Tokenizer& tokenizer) {
  try {
    check_ids(tokenizer, request.prompt_ids);
    check_ids(tokenizer, request.completion_ids);
  } catch (const Error& error) {
    throw Error(where + ": " + error.what());
  }
}

void check_length(const ScoreRequest& request, const std::string& where, int64_t limit) {
  const size_t tokens = request.prompt_ids.size() + request.completion_ids.size();
  if (static_cast<int64_t>(tokens) > limit) {
    throw Error(where + ": " + std::to_string(tokens) + " tokens exceed the model's context of " +
                std::to_string(limit) + "; shorten the prompt or the completion");
  }
}

int score(const ScoreFlags& flags, const CommonOptions& common) {
  JsonlReader reader(flags.input);
  JsonlWriter writer(flags.output);
  const LoadedModel loaded =
      load_language_model(flags.model.load_options(flags.model.source(common)));
  std::vector<ScoreRequest> requests;
  while (const auto row = reader.next()) {
    requests.push_back(request_of(*row, loaded.model->tokenizer()));
    check_ids_at(requests.back(), row->where, loaded.model->tokenizer());
    check_length(requests.back(), row->where, loaded.model->context_length());
  }
  const SystemClock clock;
  Progress progress(
      {.what = "score", .unit = "line", .total = requests.size(), .is_quiet = common.is_quiet},
      clock);
  uint64_t done = 0;
  const std::vector<ScoreResult> results = loaded.model->score(
      requests, [&](size_t, const ScoreResult&) { progress.update(++done, ""); });
  for (size_t i = 0; i < requests.size(); ++i) {
    writer.write(result_json(requests[i], results[i]));
  }
  writer.commit();
  return 0;
}

}  // namespace

RunCommand define_score(CLI::App& app, const CommonOptions& common) {
  auto flags = std::make_shared<ScoreFlags>();
  add_model_flags(app, flags->model);
  app.add_option("--input", flags->input,
                 "JSON Lines of {\"prompt\", \"completion\"} or {\"prompt_ids\", "
                 "\"completion_ids\"}; - is stdin")
      ->required();
  app.add_option("--output", flags->output,
                 "JSON Lines of {\"token_ids\", \"token_logprobs\" (nats), \"logprob\", "
                 "\"is_greedy\"}; - is stdout")
      ->required();
  return [flags, &common] { return score(*flags, common); };
}

}  // namespace sft
