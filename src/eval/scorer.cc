#include "sft/eval/scorer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "sft/core/table.h"
#include "sft/tasks/python_text.h"

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

// "-007.50" as "-7.5", "0.0" as "0": equal numbers give equal texts, of any length.
std::string canonical_number(std::string_view text) {
  std::string number(python_strip(text));
  const bool is_negative = number.starts_with('-');
  number.erase(0, std::min(number.find_first_not_of("+-0"), number.size()));
  if (number.find('.') != std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) {
      number.pop_back();
    }
  }
  if (number.empty()) {
    return "0";
  }
  return (is_negative ? "-" : "") + (number.starts_with('.') ? "0" + number : number);
}

// Equal as decimal numbers, exactly.
double score_number(const Extraction& extraction, const Question& question) {
  return extraction.is_found &&
                 canonical_number(extraction.text) == canonical_number(question.reference)
             ? 1
             : 0;
}

constexpr std::array kScorers = {
    ScorerRow{.name = "equal", .score = score_equal},
    ScorerRow{.name = "gsm8k_equal", .score = score_gsm8k},
    ScorerRow{.name = "number_equal", .score = score_number},
};

}  // namespace

std::span<const ScorerRow> scorers() {
  return kScorers;
}

Scorer find_scorer(const ReadingSpec& reading) {
  try {
    return find_entry(scorers(), "scorer", reading.score).score;
  } catch (const UsageError& error) {
    throw UsageError(reading.where + ": " + error.what());
  }
}

}  // namespace sft
