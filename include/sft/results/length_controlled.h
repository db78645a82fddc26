#pragma once

#include <array>
#include <optional>
#include <span>

#include "sft/results/l1_logistic.h"
#include "sft/results/statistics.h"

namespace sft {

// AlpacaEval's win rate as it would be if the model's answers were as long as the baseline's:
// `length_controlled_v1` of alpaca_eval (Dubois et al., 2024). A logistic regression of the
// preference on three features, without intercept,
//
//   tanh((length of the baseline's answer - of the model's) / its standard deviation),
//   the instruction's published difficulty, and 1 for the model's own rows,
//
// with an L1 penalty whose strength five-fold cross-validation chooses. Rows of two gamed versions
// of the baseline hold it in place, each with weight 0.1. The win rate is the mean of the predicted
// preferences with the length term set to 0.
struct ComparedAnswer {
  std::optional<double> preference;  // for the model, 0 to 1; none: not judged
  double baseline_length = 0;        // in characters
  double model_length = 0;
  double difficulty = 0;
};

// A row of the published df_gamed.csv.
struct GamedAnswer {
  double preference = 0;
  double length_difference = 0;  // in standard deviations
  double difficulty = 0;
  bool is_baseline_gamed = true;
};

struct LengthControlled {
  Estimated win_rate;  // 0-100
  Features weights{};  // of the three features
  double c = 0;        // the chosen inverse strength of the penalty
};

// At least five judged rows in all. The folds of rows that weigh alike are taken from the last row
// to the first (numpy's unstable sort, on which scikit-learn's own depend, differs by processor).
LengthControlled length_controlled_win_rate(std::span<const ComparedAnswer> answers,
                                            std::span<const GamedAnswer> gamed);

}  // namespace sft
