#include "sft/results/length_controlled.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr size_t kNumFolds = 5;
constexpr double kGamedWeight = 0.2 / 2;  // two versions of the baseline
constexpr double kSmallestProbability = 1e-15;
constexpr double kPercent = 100;

// The first numbers that numpy's RandomState(123).randint(2**31 - 1) gives: scikit-learn seeds its
// solver with one for each strength (tests/reference/length_controlled.py prints them).
constexpr std::array<uint32_t, 10> kSeeds = {843828734, 914636141, 1228959102, 1840268610,
                                             974319580, 819844194, 220395238,  941243409,
                                             942612051, 2109339754};

// scikit-learn's ten candidates, from 1e-4 to 1e4.
double candidate(size_t index) {
  return std::pow(10.0, -4 + 8 * static_cast<double>(index) / (kSeeds.size() - 1));
}

struct TrainingRow {
  Features features{};
  double preference = 0;
  double weight = 1;
};

// The sample standard deviation (over n - 1) of the differences of length.
double deviation(std::span<const ComparedAnswer> answers) {
  double sum = 0;
  for (const ComparedAnswer& answer : answers) {
    sum += answer.baseline_length - answer.model_length;
  }
  const double mean = sum / static_cast<double>(answers.size());
  double squares = 0;
  for (const ComparedAnswer& answer : answers) {
    const double difference = answer.baseline_length - answer.model_length - mean;
    squares += difference * difference;
  }
  return answers.size() < 2 ? 0 : std::sqrt(squares / static_cast<double>(answers.size() - 1));
}

std::vector<TrainingRow> training_rows(std::span<const ComparedAnswer> answers,
                                       std::span<const GamedAnswer> gamed) {
  std::vector<TrainingRow> rows;
  for (const GamedAnswer& answer : gamed) {
    rows.push_back({.features = {std::tanh(answer.length_difference), answer.difficulty,
                                 answer.is_baseline_gamed ? 0.0 : 1.0},
                    .preference = answer.preference,
                    .weight = answer.is_baseline_gamed ? kGamedWeight : 1.0});
  }
  const double scale = deviation(answers);
  for (const ComparedAnswer& answer : answers) {
    if (answer.preference) {
      const double difference = answer.baseline_length - answer.model_length;
      rows.push_back(
          {.features = {scale > 0 ? std::tanh(difference / scale) : 0.0, answer.difficulty, 1.0},
           .preference = *answer.preference,
           .weight = 1});
    }
  }
  return rows;
}

size_t fold_of(size_t row, size_t num_rows) {
  return (num_rows - 1 - row) % kNumFolds;
}

// A preference of 0.7 is a win of weight 0.7 and a loss of weight 0.3.
std::vector<LogisticRow> as_wins_and_losses(const std::vector<TrainingRow>& rows,
                                            std::optional<size_t> held_out_fold) {
  std::vector<LogisticRow> doubled;
  for (const bool is_win : {true, false}) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (held_out_fold && fold_of(i, rows.size()) == *held_out_fold) {
        continue;
      }
      const double share = is_win ? rows[i].preference : 1 - rows[i].preference;
      doubled.push_back(
          {.features = rows[i].features, .is_positive = is_win, .weight = share * rows[i].weight});
    }
  }
  return doubled;
}

// The mean weighted log loss on the rows of a fold.
double loss_on(size_t fold, const std::vector<TrainingRow>& rows, const Features& weights) {
  double sum = 0;
  double count = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (fold_of(i, rows.size()) != fold) {
      continue;
    }
    const double probability = std::clamp(logistic_probability(weights, rows[i].features),
                                          kSmallestProbability, 1 - kSmallestProbability);
    sum -= rows[i].weight * (rows[i].preference * std::log(probability) +
                             (1 - rows[i].preference) * std::log(1 - probability));
    ++count;
  }
  return sum / count;
}

double choose_strength(const std::vector<TrainingRow>& rows) {
  std::array<double, kSeeds.size()> losses{};
  for (size_t fold = 0; fold < kNumFolds; ++fold) {
    const std::vector<LogisticRow> training = as_wins_and_losses(rows, fold);
    for (size_t i = 0; i < kSeeds.size(); ++i) {
      losses[i] += loss_on(fold, rows, fit_l1_logistic(training, candidate(i), kSeeds[i]));
    }
  }
  return candidate(
      static_cast<size_t>(std::min_element(losses.begin(), losses.end()) - losses.begin()));
}

}  // namespace

LengthControlled length_controlled_win_rate(std::span<const ComparedAnswer> answers,
                                            std::span<const GamedAnswer> gamed) {
  const std::vector<TrainingRow> rows = training_rows(answers, gamed);
  SFT_CHECK(!answers.empty() && rows.size() >= kNumFolds);
  LengthControlled result;
  result.c = choose_strength(rows);
  result.weights =
      fit_l1_logistic(as_wins_and_losses(rows, std::nullopt), result.c, kSeeds.front());
  std::vector<double> predicted;
  predicted.reserve(answers.size());
  for (const ComparedAnswer& answer : answers) {
    predicted.push_back(kPercent * logistic_probability(result.weights, {0, answer.difficulty, 1}));
  }
  result.win_rate = mean_of_values(predicted);
  return result;
}

}  // namespace sft
