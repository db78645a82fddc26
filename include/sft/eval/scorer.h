#pragma once

#include <span>
#include <string_view>

#include "sft/tasks/extractor.h"
#include "sft/tasks/question.h"

namespace sft {

// Whether what was read out of a response answers the question: 0 to 1.
using Scorer = double (*)(const Extraction& extraction, const Question& question);

// What a scorer cannot do without.
enum class ScorerNeeds {
  kNothing,
  kSandbox,  // it runs generated programs; `score` is null
};

// A row is named by `score:` in a task's YAML.
struct ScorerRow {
  std::string_view name;
  Scorer score;
  ScorerNeeds needs = ScorerNeeds::kNothing;
};

std::span<const ScorerRow> scorers();

// The scorer that `reading` names. Throws UsageError with its place in the task's file.
const ScorerRow& find_scorer(const ReadingSpec& reading);

}  // namespace sft
