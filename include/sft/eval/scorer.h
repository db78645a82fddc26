#pragma once

#include <array>
#include <span>
#include <string_view>

#include "sft/eval/code_runner.h"
#include "sft/tasks/extractor.h"
#include "sft/tasks/question.h"

namespace sft {

// Whether what was read out of a response answers the question: 0 to 1.
using Scorer = double (*)(const Extraction& extraction, const Question& question);

// What outcomes are called, by ProgramEnd.
using OutcomeNames = std::array<std::string_view, 4>;

// How a scorer that runs programs makes one of an answer. The score is whether it passes.
struct CodeRule {
  Program (*make)(const Extraction& extraction, const Question& question);
  OutcomeNames outcomes;
};

// A row is named by `score:` in a task's YAML and compares, or runs programs; the other is null.
struct ScorerRow {
  std::string_view name;
  Scorer score = nullptr;
  const CodeRule* code = nullptr;
};

std::span<const ScorerRow> scorers();

// The scorer that `reading` names. Throws UsageError with its place in the task's file.
const ScorerRow& find_scorer(const ReadingSpec& reading);

// Whether one of the task's scorers runs programs. Throws as find_scorer.
bool runs_code(const TaskSpec& task);

}  // namespace sft
