// `sft generate`: continues prompts.

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/model_flags.h"
#include "cli/model_names.h"

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/core/progress.h"
#include "sft/infer/language_model.h"
#include "sft/infer/load.h"
#include "sft/io/jsonl.h"
#include "sft/text/checkpoint_template.h"
#include "sft/text/template.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

struct GenerateFlags {
  ModelFlags model;
  std::optional<std::string> prompt;
  std::string input;
  std::string output;
  std::string layout = "auto";
  int64_t max_new_tokens = 512;
  Sampling sampling;
  std::vector<std::string> stops;
};

struct Input {
  Json row;  // {"prompt", ...}; other fields are copied
  std::string where;
};

std::vector<Input> read_inputs(const GenerateFlags& flags) {
  if (flags.prompt.has_value()) {
    return {{Json{{"prompt", *flags.prompt}}, "--prompt"}};
  }
  std::vector<Input> inputs;
  JsonlReader reader(flags.input);
  while (auto row = reader.next()) {
    json_member<std::string>(row->value, "prompt", row->where);
    inputs.push_back({std::move(row->value), std::move(row->where)});
  }
  return inputs;
}

GenerateRequest request_of(const GenerateFlags& flags, const Input& input, size_t index,
                           const std::optional<Template>& layout, const LanguageModel& model) {
  const auto prompt = input.row.at("prompt").get<std::string>();
  const std::string text =
      layout.has_value()
          ? lay_out_prompt(*layout, {{.instruction = prompt, .response = ""}}, PromptEnd::kTrimmed)
          : prompt;
  GenerateRequest request;
  request.prompt_ids =
      context_ids(model.tokenizer(), model.tokenizer().encode(text, SpecialTokens::kAdd).ids);
  request.max_new_tokens = flags.max_new_tokens;
  request.stops = flags.stops;
  request.sampling = flags.sampling;
  request.seed_index = index;
  const auto tokens = static_cast<int64_t>(request.prompt_ids.size());
  if (tokens > model.context_length()) {
    throw Error(input.where + ": the prompt's " + std::to_string(tokens) +
                " tokens exceed the model's context of " + std::to_string(model.context_length()));
  }
  return request;
}

// A laid-out response keeps the template's space in front, which is no part of what was said.
std::string shown_response(const GenerateResult& result, bool has_layout) {
  return has_layout && result.text.starts_with(' ') ? result.text.substr(1) : result.text;
}

Json result_json(const Input& input, const GenerateResult& result, bool has_layout) {
  Json json = input.row;
  json["response"] = shown_response(result, has_layout);
  json["token_ids"] = result.token_ids;
  json["finish"] = finish_name(result.finish);
  return json;
}

int generate(const GenerateFlags& flags, const CommonOptions& common) {
  if (flags.prompt.has_value() == !flags.input.empty()) {
    throw UsageError("give either --prompt or --input with --output; see sft generate --help");
  }
  if (!std::isfinite(flags.sampling.temperature) || !std::isfinite(flags.sampling.top_p)) {
    throw UsageError("--temperature and --top-p must be finite numbers");
  }
  if (std::ranges::find(flags.stops, "") != flags.stops.end()) {
    throw UsageError("--stop: an empty text would end every response at once");
  }
  if (!flags.input.empty() && flags.output.empty()) {
    throw UsageError("--input needs --output (- is stdout)");
  }
  const ModelSource source = flags.model.source(common);
  const std::optional<Template> layout = choose_template(flags.layout, source.checkpoint());
  const std::vector<Input> inputs = read_inputs(flags);
  std::optional<JsonlWriter> writer;
  if (!flags.output.empty()) {
    writer.emplace(flags.output);
  }
  const LoadedModel loaded = load_language_model(flags.model.load_options(source));
  std::vector<GenerateRequest> requests;
  for (size_t i = 0; i < inputs.size(); ++i) {
    requests.push_back(request_of(flags, inputs[i], i, layout, *loaded.model));
  }
  const SystemClock clock;
  Progress progress({.what = "generate",
                     .unit = "prompt",
                     .total = requests.size(),
                     .is_quiet = common.is_quiet || flags.prompt.has_value()},
                    clock);
  uint64_t done = 0;
  const std::vector<GenerateResult> results = loaded.model->generate(
      requests, [&](size_t, const GenerateResult&) { progress.update(++done, ""); });
  for (size_t i = 0; i < results.size(); ++i) {
    if (writer.has_value()) {
      writer->write(result_json(inputs[i], results[i], layout.has_value()));
    } else if (common.is_json) {
      fmt::print("{}\n", dump_json(result_json(inputs[i], results[i], layout.has_value()),
                                   JsonLayout::kCompact));
    } else {
      fmt::print("{}\n", shown_response(results[i], layout.has_value()));
    }
  }
  if (writer.has_value()) {
    writer->commit();
  }
  return 0;
}

}  // namespace

RunCommand define_generate(CLI::App& app, const CommonOptions& common) {
  auto flags = std::make_shared<GenerateFlags>();
  add_model_flags(app, flags->model);
  app.add_option("--prompt", flags->prompt, "one prompt; the response goes to stdout");
  app.add_option("--input", flags->input, "JSON Lines of {\"prompt\"}; - is stdin");
  app.add_option("--output", flags->output,
                 "the same lines with \"response\", \"token_ids\", \"finish\"; - is stdout");
  app.add_option("--template", flags->layout,
                 "lays the prompt out: a name or file; none; auto: what the checkpoint was trained "
                 "with, else none [auto]");
  app.add_option("--max-new-tokens", flags->max_new_tokens, "tokens of a response [512]")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 31));
  app.add_option("--temperature", flags->sampling.temperature,
                 "0 takes the likeliest token, higher ones draw [0]")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--top-p", flags->sampling.top_p,
                 "draw from the likeliest tokens that hold this probability [1]")
      ->check(CLI::Range(1e-6, 1.0));
  app.add_option("--top-k", flags->sampling.top_k, "draw from this many tokens; 0: all [0]")
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 31));
  app.add_option("--stop", flags->stops, "a text that ends the response (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--seed", flags->sampling.seed, "of the draws [0]");
  return [flags, &common] { return generate(*flags, common); };
}

}  // namespace sft
