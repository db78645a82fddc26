#include "sft/data/prompt_parity.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sft {
namespace {

constexpr size_t kTokensShown = 3;

using Ids = std::vector<int32_t>;

Ids without(Ids ids, std::optional<int32_t> left_out) {
  if (left_out) {
    std::erase(ids, *left_out);
  }
  return ids;
}

std::string quoted(std::string text) {
  for (size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
    text.replace(at, 1, "\\n");
  }
  return "'" + text + "'";
}

// The tokens from the first that differs, or the last few where one list is the other's beginning.
std::string ending(const Ids& ids, size_t first_difference, const Tokenizer& tokenizer) {
  const size_t begin = std::min(first_difference, ids.size() - std::min(ids.size(), kTokensShown));
  std::string text = begin > 0 ? "..." : "";
  for (size_t i = begin; i < ids.size() && i < begin + 2 * kTokensShown; ++i) {
    text +=
        (text.empty() ? "" : " ") + quoted(decode(tokenizer, {&ids[i], 1}, DecodeSpecial::kKeep));
  }
  return text;
}

// None where they are equal.
std::optional<PromptDifference> difference(const Sample& sample, const Ids& trained,
                                           const Ids& sent, const Tokenizer& tokenizer) {
  if (trained == sent) {
    return std::nullopt;
  }
  const auto at = static_cast<size_t>(std::ranges::mismatch(trained, sent).in1 - trained.begin());
  return PromptDifference{.sample = sample.dataset + ": " + sample.source,
                          .trained = ending(trained, at, tokenizer),
                          .sent = ending(sent, at, tokenizer)};
}

std::string line(std::string_view who, int64_t count, int64_t prompts,
                 const PromptDifference& example) {
  return fmt::format(
      "{} sends {} of {} prompts as other tokens than trained on; {}: trained on {}, "
      "sent {}",
      who, count, prompts, example.sample, example.trained, example.sent);
}

}  // namespace

void ParityReport::add(const ParityReport& other) {
  prompts += other.prompts;
  num_trimmed += other.num_trimmed;
  num_exact += other.num_exact;
  trimmed = trimmed ? trimmed : other.trimmed;
  exact = exact ? exact : other.exact;
}

std::vector<std::string> ParityReport::lines() const {
  std::vector<std::string> lines;
  if (trimmed) {
    lines.push_back(line("sft generate", num_trimmed, prompts, *trimmed));
  }
  if (exact) {
    lines.push_back(line("sft eval", num_exact, prompts, *exact) +
                    (num_trimmed == 0 ? "; --prompt-end trimmed sends those trained on" : ""));
  }
  return lines;
}

ParityReport compare_prompts(const Sample& sample, const EncodedSample& encoded,
                             const Template& layout, const Tokenizer& tokenizer) {
  ParityReport report;
  if (sample.turns.size() == 1 && sample.turns.front().instruction.empty()) {
    return report;
  }
  for (size_t turn = 0; turn < sample.turns.size(); ++turn) {
    const auto begin = encoded.token_ids.begin();
    const Ids trained = without({begin, begin + encoded.targets[turn].begin}, tokenizer.eos_id());
    const std::vector<Turn> turns(sample.turns.begin(),
                                  sample.turns.begin() + static_cast<std::ptrdiff_t>(turn) + 1);
    const auto compare = [&](PromptEnd end, int64_t& count, auto& example) {
      const std::string text = lay_out_prompt(layout, turns, end);
      const Ids sent = without(tokenizer.encode(text, SpecialTokens::kAdd).ids, tokenizer.eos_id());
      auto found = difference(sample, trained, sent, tokenizer);
      count += found ? 1 : 0;
      example = example ? example : std::move(found);
    };
    ++report.prompts;
    compare(PromptEnd::kTrimmed, report.num_trimmed, report.trimmed);
    compare(PromptEnd::kExact, report.num_exact, report.exact);
  }
  return report;
}

}  // namespace sft
