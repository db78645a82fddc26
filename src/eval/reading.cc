#include "eval/reading.h"

#include <algorithm>

#include "sft/core/error.h"

namespace sft {

Reading::Reading(const ReadingSpec& spec)
    : extractor_(spec.extractor()), scorer_(find_scorer(spec)) {}

void Reading::read(const Question& question, const std::string& response) {
  Result result{.extraction = extractor_(response), .score = 0, .outcome = {}};
  if (scorer_.code != nullptr) {
    programs_.push_back(scorer_.code->make(result.extraction, question));
  } else {
    result.score = scorer_.score(result.extraction, question);
  }
  results_.push_back(std::move(result));
}

void Reading::settle(std::span<const ProgramEnd> ends) {
  SFT_CHECK(ends.size() == programs_.size());
  for (size_t i = 0; i < ends.size(); ++i) {
    results_[i].score = ends[i] == ProgramEnd::kPassed ? 1 : 0;
    results_[i].outcome = scorer_.code->outcomes.at(static_cast<size_t>(ends[i]));
  }
}

std::vector<double> Reading::scores() const {
  std::vector<double> scores;
  scores.reserve(results_.size());
  for (const Result& result : results_) {
    scores.push_back(result.score);
  }
  return scores;
}

std::vector<std::pair<std::string, int64_t>> Reading::outcomes() const {
  std::vector<std::pair<std::string, int64_t>> counts;
  if (scorer_.code == nullptr) {
    return counts;
  }
  for (const std::string_view name : scorer_.code->outcomes) {
    const bool is_listed = std::any_of(counts.begin(), counts.end(),
                                       [name](const auto& count) { return count.first == name; });
    if (!is_listed) {
      counts.emplace_back(
          name, std::count_if(results_.begin(), results_.end(),
                              [name](const Result& result) { return result.outcome == name; }));
    }
  }
  return counts;
}

}  // namespace sft
