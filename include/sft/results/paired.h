#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sft/results/sample_record.h"

namespace sft {

// The exact McNemar test: the two-sided probability, under the hypothesis that neither of two
// models is better, that the questions on which they disagree split as unevenly as `fixed` to
// `broken` or more (a binomial test with probability 1/2). 1 where they never disagree.
double mcnemar_exact(int64_t fixed, int64_t broken);

struct Interval {
  double low = 0;
  double high = 0;
};

// The central 95 % of the mean over `num_resamples` draws, with replacement, of as many of the
// values as there are. The draws are counter-based: equal values and seed give equal intervals.
Interval bootstrap_mean(std::span<const double> values, int64_t num_resamples, uint64_t seed);

// A question that one of two evaluations has right and the other wrong.
struct ChangedQuestion {
  std::string id;
  std::string extracted_a;
  std::string extracted_b;
  std::string reference;
  bool is_fixed = false;  // b has it right
};

// Two evaluations of the same questions, b against a. A question is right where its score is at
// least 1/2.
struct PairedComparison {
  int64_t n = 0;       // questions that both have; nothing else counts
  int64_t only_a = 0;  // questions of one alone
  int64_t only_b = 0;
  double score_a = 0;  // 0-100, the mean over the common questions
  double score_b = 0;
  Interval difference;  // bootstrapped, of score_b - score_a
  int64_t both_right = 0;
  int64_t both_wrong = 0;
  int64_t fixed = 0;                     // wrong in a, right in b
  int64_t broken = 0;                    // right in a, wrong in b
  double p_value = 1;                    // McNemar, exact
  std::vector<ChangedQuestion> changed;  // in the order of a
};

// Pairs by id. Throws Error where an id comes twice in one of them, or none is in both.
PairedComparison compare_samples(std::span<const SampleRecord> a, std::span<const SampleRecord> b);

}  // namespace sft
