#include "sft/eval/evaluator.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <string_view>

#include "eval/judge_protocol.h"
#include "eval/outcome_parts.h"

#include "sft/core/error.h"
#include "sft/eval/scorer.h"
#include "sft/infer/load.h"
#include "sft/tasks/python_text.h"
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

// A choice's completion as a request: prompt and completion are one text, tokenized once.
ScoreRequest choice_request(const ChoicePrompt& choice, const Tokenizer& tokenizer) {
  const Encoding encoding =
      tokenizer.encode(choice.prompt + choice.completion, SpecialTokens::kAdd);
  const auto split = encoding.ids.begin() +
                     static_cast<std::ptrdiff_t>(num_prompt_tokens(encoding, choice.prompt.size()));
  return {.prompt_ids = context_ids(tokenizer, {encoding.ids.begin(), split}),
          .completion_ids = {split, encoding.ids.end()}};
}

double num_characters(std::string_view completion) {
  completion.remove_prefix(std::min(completion.find_first_not_of(' '), completion.size()));
  return static_cast<double>(num_code_points(completion));
}

double sum_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

std::vector<Benchmark> load_benchmarks(std::vector<TaskChoice> tasks,
                                       const std::filesystem::path& data_dir,
                                       const QuestionLimits& limits) {
  std::vector<Benchmark> benchmarks;
  for (TaskChoice& task : tasks) {
    Benchmark benchmark;
    benchmark.task = std::move(task);
    benchmark.runs_code = runs_code(benchmark.task.spec);
    if (const std::optional<std::string> file = missing_file(benchmark.task, data_dir)) {
      benchmark.missing_file = *file;
    } else {
      benchmark.data = load_task_data(benchmark.task, data_dir, limits);
      if (benchmark.task.spec.judge) {
        benchmark.protocol = make_judge_protocol(benchmark.task.spec, *benchmark.data, data_dir);
      }
    }
    benchmarks.push_back(std::move(benchmark));
  }
  return benchmarks;
}

size_t num_answers(const Benchmark& benchmark) {
  const bool is_generated = benchmark.task.shot.request == RequestKind::kGenerate;
  const size_t each = (is_generated ? benchmark.task.shot.num_turns() : 0) +
                      (benchmark.task.spec.likelihood ? 1 : 0);
  return each * benchmark.data->questions.size();
}

Evaluator::Evaluator(LanguageModel& model, const std::optional<Template>& layout,
                     EvalSettings settings)
    : model_(model), settings_(std::move(settings)) {
  if (layout) {
    meta_ = meta_template(*layout, settings_.prompt_end);
    trimmed_meta_ = meta_template(*layout, PromptEnd::kTrimmed);
    has_separator_ = !layout->separator.empty();
  }
}

std::string Evaluator::next_prompt(const Benchmark& benchmark, const Question& question,
                                   const Response& response,
                                   const std::optional<MetaTemplate>& meta) const {
  return benchmark.task.shot.num_turns() > 1
             ? build_turn_prompt(benchmark.task, question, response.earlier, meta)
             : build_prompt(benchmark.task, question, benchmark.data->exemplars_of(question), meta);
}

// The requests of the next turn of all questions that still fit; the responses know their prompts.
std::vector<GenerateRequest> Evaluator::prepare_turn(const Benchmark& benchmark,
                                                     std::vector<Response>& responses) const {
  const ShotSpec& shot = benchmark.task.shot;
  const auto encode = [this](const std::string& prompt) {
    return context_ids(model_.tokenizer(),
                       model_.tokenizer().encode(prompt, SpecialTokens::kAdd).ids);
  };
  const bool may_differ = meta_ && meta_->generation_begin != trimmed_meta_->generation_begin;
  std::vector<GenerateRequest> requests;
  for (size_t i = 0; i < responses.size(); ++i) {
    const Question& question = benchmark.data->questions[i];
    Response& response = responses[i];
    Generation& generation = *response.generation;
    generation.prompt = next_prompt(benchmark, question, response, meta_);
    std::vector<int32_t> ids = encode(generation.prompt);
    generation.prompt_tokens += static_cast<int64_t>(ids.size());
    const bool is_unlike =
        (may_differ && ids != encode(next_prompt(benchmark, question, response, trimmed_meta_))) ||
        (has_separator_ && !response.earlier.empty());
    generation.is_unlike_training = generation.is_unlike_training || is_unlike;
    if (static_cast<int64_t>(ids.size()) >= model_.context_length()) {
      generation.is_over_long = true;
      generation.finish = FinishReason::kContext;
      continue;
    }
    GenerateRequest request;
    request.prompt_ids = std::move(ids);
    request.max_new_tokens =
        settings_.max_new_tokens > 0 ? settings_.max_new_tokens : shot.max_new_tokens;
    request.stops = shot.stops;
    request.seed_index = i;
    requests.push_back(std::move(request));
  }
  return requests;
}

void Evaluator::generate(const Benchmark& benchmark, std::vector<Response>& responses,
                         const OnProgress& on_progress) const {
  size_t num_done = 0;
  for (size_t turn = 0; turn < benchmark.task.shot.num_turns(); ++turn) {
    for (Response& response : responses) {
      if (turn == 0) {
        response.generation.emplace();
        continue;
      }
      response.earlier.push_back(std::move(response.text));
      response.text.clear();
      response.generation->has_cut_turn = response.generation->is_cut_off();
    }
    const std::vector<GenerateRequest> requests = prepare_turn(benchmark, responses);
    num_done += responses.size() - requests.size();
    on_progress(num_done);
    const auto on_done = [&](size_t /*request*/, const GenerateResult& /*result*/) {
      on_progress(++num_done);
    };
    std::vector<GenerateResult> results = model_.generate(requests, on_done);
    SFT_CHECK(results.size() == requests.size());
    for (size_t i = 0; i < results.size(); ++i) {
      Response& response = responses[requests[i].seed_index];
      response.text = std::move(results[i].text);
      response.generation->finish = results[i].finish;
      response.generation->response_tokens += static_cast<int64_t>(results[i].token_ids.size());
    }
  }
}

// Asks for every choice of every question; a question of which one does not fit has none.
void Evaluator::score_choices(const Benchmark& benchmark, std::vector<Response>& responses,
                              const OnProgress& on_progress) const {
  const std::vector<Question>& questions = benchmark.data->questions;
  std::vector<ScoreRequest> requests;
  std::vector<size_t> question_of;
  for (size_t i = 0; i < questions.size(); ++i) {
    std::vector<ScoreRequest> own;
    for (const ChoicePrompt& choice :
         build_choice_prompts(benchmark.task, questions[i],
                              benchmark.data->exemplars_of(questions[i]), trimmed_meta_)) {
      own.push_back(choice_request(choice, model_.tokenizer()));
      responses[i].choices.push_back(
          {.logprob = 0, .num_characters = num_characters(choice.completion)});
      if (!responses[i].generation) {
        responses[i].generation.emplace().prompt = choice.prompt;
        responses[i].generation->prompt_tokens = static_cast<int64_t>(own.back().prompt_ids.size());
        responses[i].generation->finish = FinishReason::kEos;
      }
    }
    const auto is_over_long = [this](const ScoreRequest& request) {
      return static_cast<int64_t>(request.prompt_ids.size() + request.completion_ids.size()) >
             model_.context_length();
    };
    if (std::any_of(own.begin(), own.end(), is_over_long)) {
      responses[i].choices.clear();
      responses[i].generation->is_over_long = true;
      continue;
    }
    question_of.insert(question_of.end(), own.size(), i);
    std::move(own.begin(), own.end(), std::back_inserter(requests));
  }
  const size_t num_before =
      benchmark.task.shot.request == RequestKind::kGenerate ? questions.size() : 0;
  size_t num_done = 0;
  const std::vector<ScoreResult> results =
      model_.score(requests, [&](size_t /*request*/, const ScoreResult& /*result*/) {
        ++num_done;
        on_progress(num_before + num_done * questions.size() / requests.size());
      });
  SFT_CHECK(results.size() == requests.size());
  for (size_t i = 0, choice = 0; i < results.size(); ++i) {
    choice = i > 0 && question_of[i] == question_of[i - 1] ? choice + 1 : 0;
    responses[question_of[i]].choices[choice].logprob = sum_of(results[i].token_logprobs);
  }
}

std::vector<Response> Evaluator::answer(const Benchmark& benchmark,
                                        const OnProgress& on_progress) const {
  SFT_CHECK(benchmark.data.has_value());
  std::vector<Response> responses(benchmark.data->questions.size());
  if (benchmark.task.shot.request == RequestKind::kGenerate) {
    generate(benchmark, responses, on_progress);
  }
  if (benchmark.task.spec.likelihood) {
    score_choices(benchmark, responses, on_progress);
  }
  return responses;
}

TaskOutcome Evaluator::complete(const Benchmark& benchmark, TaskOutcome scored) const {
  ResultEntry& entry = scored.entry;
  add_extent(benchmark, entry);
  entry.exemplars = benchmark.data->exemplar_source;
  const bool is_generated = benchmark.task.shot.request == RequestKind::kGenerate;
  const int64_t max_new_tokens = is_generated && settings_.max_new_tokens > 0
                                     ? settings_.max_new_tokens
                                     : benchmark.task.shot.max_new_tokens;
  entry.settings = settings_json(settings_, max_new_tokens);
  if (benchmark.runs_code) {
    entry.settings["interpreter"] = settings_.code_runner->interpreter();
  }
  return scored;
}

TaskOutcome Evaluator::run(const Benchmark& benchmark, const OnProgress& on_progress) const {
  const std::vector<Response> responses = answer(benchmark, on_progress);
  const CodeRuns code = {.runner = settings_.code_runner,
                         .on_done = [&] { on_progress(num_answers(benchmark)); }};
  return complete(benchmark,
                  score_task(benchmark.task, benchmark.data->questions, responses, code));
}

}  // namespace sft
