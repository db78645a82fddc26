#include "cli/judge_flags.h"

#include <cstdlib>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/resources.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

constexpr const char* kStudyJudge = "gpt-4o-2024-08-06";
constexpr double kMillion = 1e6;

// "" where it is not set. A line break at the end is a file's.
std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  text.erase(text.find_last_not_of("\r\n") + 1);
  return text;
}

struct Price {
  double in = 0;
  double out = 0;
};

std::optional<Price> price_of(const JudgeOptions& options) {
  const std::string text = options.price.empty() ? environment("SFT_JUDGE_PRICE") : options.price;
  if (text.empty()) {
    return std::nullopt;
  }
  const size_t comma = text.find(',');
  const std::optional<double> in = python_float(text.substr(0, comma));
  const std::optional<double> out =
      comma == std::string::npos ? std::nullopt : python_float(text.substr(comma + 1));
  if (!in || !out || !(*in >= 0) || !(*out >= 0)) {
    throw UsageError(
        "--judge-price " + text +
        ": must be two numbers, dollars for a million tokens in and out, as in 2.5,10");
  }
  return Price{.in = *in, .out = *out};
}

}  // namespace

void define_judge_flags(CLI::App& app, JudgeOptions& options) {
  constexpr int kMostParallel = 256;
  app.add_option("--judge-parallel", options.num_parallel,
                 "calls under way at a time of the judge that SFT_JUDGE_URL, SFT_JUDGE_KEY and "
                 "SFT_JUDGE_MODEL [the study's, gpt-4o-2024-08-06] name")
      ->check(CLI::Range(1, kMostParallel))
      ->capture_default_str();
  app.add_option("--judge-rate", options.requests_per_minute,
                 "most calls of the judge in a minute [no limit]")
      ->check(CLI::PositiveNumber);
  app.add_option("--judge-price", options.price,
                 "IN,OUT: dollars for a million tokens, for the cost shown [SFT_JUDGE_PRICE]");
}

bool is_judge_configured() {
  return !environment("SFT_JUDGE_URL").empty();
}

ConfiguredJudge::ConfiguredJudge(const JudgeOptions& options, Memory memory,
                                 std::function<bool()> is_stopped) {
  price_of(options);  // its faults now
  JudgeSettings settings;
  settings.url = environment("SFT_JUDGE_URL");
  settings.key = environment("SFT_JUDGE_KEY");
  settings.model = environment("SFT_JUDGE_MODEL");
  if (settings.model.empty()) {
    settings.model = kStudyJudge;
  }
  settings.num_parallel = options.num_parallel;
  settings.requests_per_minute = options.requests_per_minute;
  settings.is_stopped = std::move(is_stopped);
  const std::string url = chat_completions_url(settings.url);
  remote_ = std::make_unique<RemoteJudge>(std::move(settings));
  if (memory == Memory::kKept) {
    cached_ = std::make_unique<CachedJudge>(*remote_, url, sft_home() / "judgements");
  }
}

std::string describe_usage(const JudgeUsage& usage, const JudgeOptions& options) {
  std::string text = fmt::format("{} calls", usage.num_asked + usage.num_remembered);
  if (usage.num_remembered > 0) {
    text += fmt::format(", {} of them remembered", usage.num_remembered);
  }
  if (usage.num_failed > 0) {
    text += fmt::format(", {} more failed", usage.num_failed);
  }
  text += fmt::format("; {} tokens in, {} out",
                      format_count(static_cast<uint64_t>(usage.prompt_tokens)),
                      format_count(static_cast<uint64_t>(usage.reply_tokens)));
  if (!usage.is_complete) {
    text += " as far as the judge says";
  }
  if (const std::optional<Price> price = price_of(options)) {
    text += fmt::format(", ${:.2f}", (static_cast<double>(usage.prompt_tokens) * price->in +
                                      static_cast<double>(usage.reply_tokens) * price->out) /
                                         kMillion);
  }
  return text;
}

}  // namespace sft
