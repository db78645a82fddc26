#include "sft/eval/evaluator.h"

#include <algorithm>

#include "sft/core/error.h"
#include "sft/eval/scorer.h"
#include "sft/infer/load.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

Json settings_json(const EvalSettings& settings, int64_t max_new_tokens) {
  Json json = {{"prompt_end", settings.prompt_end == PromptEnd::kExact ? "exact" : "trimmed"},
               {"dtype", settings.dtype},
               {"max_new_tokens", max_new_tokens},
               {"limit", settings.limits.per_group}};
  if (settings.limits.num_groups > 0) {
    json["limit_subjects"] = settings.limits.num_groups;
  }
  return json;
}

}  // namespace

std::vector<Benchmark> load_benchmarks(std::vector<TaskChoice> tasks,
                                       const std::filesystem::path& data_dir,
                                       const QuestionLimits& limits) {
  std::vector<Benchmark> benchmarks;
  for (TaskChoice& task : tasks) {
    find_scorer(task.spec.study);
    if (task.spec.strict) {
      find_scorer(*task.spec.strict);
    }
    Benchmark benchmark{.task = std::move(task), .data = std::nullopt, .missing_file = {}};
    if (const std::optional<std::string> file = missing_file(benchmark.task, data_dir)) {
      benchmark.missing_file = *file;
    } else {
      benchmark.data = load_task_data(benchmark.task, data_dir, limits);
    }
    benchmarks.push_back(std::move(benchmark));
  }
  return benchmarks;
}

Evaluator::Evaluator(LanguageModel& model, const std::optional<Template>& layout,
                     EvalSettings settings)
    : model_(model), settings_(std::move(settings)) {
  if (layout) {
    meta_ = meta_template(*layout, settings_.prompt_end);
  }
}

// The requests of all questions that fit; the responses know their prompts.
std::vector<Response> Evaluator::prepare(const Benchmark& benchmark,
                                         std::vector<GenerateRequest>& requests) const {
  const ShotSpec& shot = benchmark.task.shot;
  std::vector<Response> responses;
  for (const Question& question : benchmark.data->questions) {
    Generation generation;
    generation.prompt =
        build_prompt(benchmark.task, question, benchmark.data->exemplars_of(question), meta_);
    const Tokenizer& tokenizer = model_.tokenizer();
    std::vector<int32_t> ids =
        context_ids(tokenizer, tokenizer.encode(generation.prompt, SpecialTokens::kAdd).ids);
    generation.prompt_tokens = static_cast<int64_t>(ids.size());
    generation.is_over_long = generation.prompt_tokens >= model_.context_length();
    if (generation.is_over_long) {
      generation.finish = FinishReason::kContext;
    } else {
      GenerateRequest request;
      request.prompt_ids = std::move(ids);
      request.max_new_tokens =
          settings_.max_new_tokens > 0 ? settings_.max_new_tokens : shot.max_new_tokens;
      request.stops = shot.stops;
      request.seed_index = responses.size();
      requests.push_back(std::move(request));
    }
    responses.push_back({.text = {}, .generation = std::move(generation)});
  }
  return responses;
}

TaskOutcome Evaluator::run(const Benchmark& benchmark, const OnProgress& on_progress) const {
  SFT_CHECK(benchmark.data.has_value());
  std::vector<GenerateRequest> requests;
  std::vector<Response> responses = prepare(benchmark, requests);
  size_t num_done = responses.size() - requests.size();
  on_progress(num_done);
  const auto on_done = [&](size_t /*request*/, const GenerateResult& /*result*/) {
    on_progress(++num_done);
  };
  std::vector<GenerateResult> results = model_.generate(requests, on_done);
  SFT_CHECK(results.size() == requests.size());
  size_t next = 0;
  for (Response& response : responses) {
    if (response.generation->is_over_long) {
      continue;
    }
    GenerateResult& result = results[next++];
    response.text = std::move(result.text);
    response.generation->finish = result.finish;
    response.generation->response_tokens = static_cast<int64_t>(result.token_ids.size());
  }
  TaskOutcome outcome = score_task(benchmark.task, benchmark.data->questions, responses);
  outcome.entry.n_total = benchmark.data->num_in_file;
  outcome.entry.is_partial = benchmark.data->is_partial;
  outcome.entry.settings =
      settings_json(settings_, settings_.max_new_tokens > 0 ? settings_.max_new_tokens
                                                            : benchmark.task.shot.max_new_tokens);
  return outcome;
}

}  // namespace sft
