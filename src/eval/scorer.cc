#include "sft/eval/scorer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "eval/code_scorers.h"

#include "sft/core/error.h"
#include "sft/core/table.h"
#include "sft/tasks/decimal.h"
#include "sft/tasks/math_equivalence.h"
#include "sft/tasks/math_rules.h"
#include "sft/tasks/python_text.h"
#include "sft/tasks/short_answer.h"

namespace sft {
namespace {

double score_equal(const Extraction& extraction, const Question& question) {
  return extraction.text == question.reference ? 1 : 0;
}

// OpenCompass 0.3.9: equal texts, or numbers that differ by less than 1e-6; the reference must be
// a whole number for that.
double score_gsm8k(const Extraction& extraction, const Question& question) {
  if (extraction.text == question.reference) {
    return 1;
  }
  const std::optional<double> number = python_float(extraction.text);
  const std::optional<double> gold = python_int(question.reference);
  return number && gold && std::abs(*number - *gold) < 1e-6 ? 1 : 0;
}

// Equal as decimal numbers, exactly.
double score_number(const Extraction& extraction, const Question& question) {
  return extraction.is_found &&
                 canonical_decimal(extraction.text) == canonical_decimal(question.reference)
             ? 1
             : 0;
}

// OpenCompass 0.3.9's rule for MATH, and version 1 of it.
double score_math(const Extraction& extraction, const Question& question) {
  return is_math_answer_equal(extraction.text, question.reference) ? 1 : 0;
}
double score_math_v1(const Extraction& extraction, const Question& question) {
  return is_math_answer_equal_v1(extraction.text, question.reference) ? 1 : 0;
}

// Equal as mathematics.
double score_math_equivalent(const Extraction& extraction, const Question& question) {
  return extraction.is_found && are_math_answers_equal(extraction.text, question.reference) ? 1 : 0;
}

// OpenCompass 0.3.9: one of the references, as a short answer, stands somewhere in the answer; one
// that is empty as a short answer stands in all.
double score_nq(const Extraction& extraction, const Question& question) {
  return std::any_of(question.references.begin(), question.references.end(),
                     [&extraction](const std::string& reference) {
                       const std::string wanted = python_lower(short_answer(reference));
                       return extraction.text.find(wanted) != std::string::npos;
                     })
             ? 1
             : 0;
}

// One of the references is the answer, both as SQuAD compares them.
double score_alias(const Extraction& extraction, const Question& question) {
  return std::any_of(question.references.begin(), question.references.end(),
                     [&extraction](const std::string& reference) {
                       return normalized_alias(reference) == extraction.text;
                     })
             ? 1
             : 0;
}

constexpr std::array kScorers = {
    ScorerRow{.name = "equal", .score = score_equal, .code = nullptr},
    ScorerRow{.name = "gsm8k_equal", .score = score_gsm8k, .code = nullptr},
    ScorerRow{.name = "number_equal", .score = score_number, .code = nullptr},
    ScorerRow{.name = "math_equal", .score = score_math, .code = nullptr},
    ScorerRow{.name = "math_equal_v1", .score = score_math_v1, .code = nullptr},
    ScorerRow{.name = "math_equivalent", .score = score_math_equivalent, .code = nullptr},
    ScorerRow{.name = "nq_contains", .score = score_nq, .code = nullptr},
    ScorerRow{.name = "alias_equal", .score = score_alias, .code = nullptr},
    ScorerRow{.name = "humaneval_tests", .score = nullptr, .code = &kHumanEvalTests},
    ScorerRow{.name = "mbpp_tests", .score = nullptr, .code = &kMbppTests},
    ScorerRow{.name = "mbpp_tests_with_imports", .score = nullptr, .code = &kMbppTestsWithImports},
};

}  // namespace

std::span<const ScorerRow> scorers() {
  return kScorers;
}

const ScorerRow& find_scorer(const ReadingSpec& reading) {
  try {
    return find_entry(scorers(), "scorer", reading.score);
  } catch (const UsageError& error) {
    throw UsageError(reading.where + ": " + error.what());
  }
}

bool runs_code(const TaskSpec& task) {
  const auto runs = [](const std::optional<ReadingSpec>& reading) {
    return reading && find_scorer(*reading).code != nullptr;
  };
  const bool is_strict_one = runs(task.strict);  // an unknown scorer of either is a fault
  return runs(task.study) || is_strict_one;
}

}  // namespace sft
