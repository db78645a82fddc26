#include "sft/results/length_controlled.h"

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "sft/io/json.h"

namespace sft {
namespace {

// scikit-learn's values, by tests/reference/length_controlled.py.
Json reference() {
  return read_json(std::filesystem::path(SFT_TEST_SOURCE_DIR) /
                   "tests/cases/length_controlled.json");
}

void expect_near(const Features& weights, const Json& expected) {
  for (size_t j = 0; j < kNumFeatures; ++j) {
    EXPECT_NEAR(weights[j], expected[j].get<double>(), 1e-9) << j;
  }
}

TEST(L1Logistic, StopsWhereScikitLearnStops) {
  const Json all = reference();
  for (const Json& fit : all["fits"]) {
    std::vector<LogisticRow> rows;
    for (const Json& row : fit["rows"]) {
      rows.push_back(
          {.features = {row[0].get<double>(), row[1].get<double>(), row[2].get<double>()},
           .is_positive = row[3].get<int>() == 1,
           .weight = row[4].get<double>()});
    }
    expect_near(fit_l1_logistic(rows, fit["c"].get<double>(), fit["seed"].get<uint32_t>()),
                fit["weights"]);
  }
  EXPECT_EQ(all["fits"].size(), 6);
}

TEST(L1Logistic, NothingToLearnGivesNoWeights) {
  EXPECT_EQ(fit_l1_logistic({}, 1, 1), Features{});
  const std::vector<LogisticRow> weightless = {
      {.features = {1, 1, 1}, .is_positive = true, .weight = 0}};
  EXPECT_EQ(fit_l1_logistic(weightless, 1, 1), Features{});
}

TEST(LengthControlled, AgreesWithScikitLearn) {
  const Json all = reference();
  for (const Json& c : all["cases"]) {
    std::vector<ComparedAnswer> answers;
    for (const Json& row : c["answers"]) {
      answers.push_back(
          {.preference = row[0].is_null() ? std::nullopt : std::optional(row[0].get<double>()),
           .baseline_length = row[1].get<double>(),
           .model_length = row[2].get<double>(),
           .difficulty = row[3].get<double>()});
    }
    std::vector<GamedAnswer> gamed;
    for (const Json& row : c["gamed"]) {
      gamed.push_back({.preference = row[0].get<double>(),
                       .length_difference = row[1].get<double>(),
                       .difficulty = row[2].get<double>()});
    }
    const LengthControlled result = length_controlled_win_rate(answers, gamed);
    EXPECT_NEAR(result.c, c["c"].get<double>(), 1e-9 * result.c);
    EXPECT_NEAR(result.win_rate.mean, c["win_rate"].get<double>(), 1e-7);
    expect_near(result.weights, c["weights"]);
  }
  EXPECT_EQ(all["cases"].size(), 3);
}

}  // namespace
}  // namespace sft
