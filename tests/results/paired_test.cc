#include "sft/results/paired.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/core/error.h"
#include "sft/results/statistics.h"

namespace sft {
namespace {

// scipy's values, by tests/reference/paired_statistics.py.
Json cases() {
  return read_json(std::filesystem::path(SFT_TEST_SOURCE_DIR) /
                   "tests/cases/paired_statistics.json");
}

TEST(McNemar, AgreesWithScipy) {
  const Json all = cases();
  for (const Json& row : all["mcnemar"]) {
    const double expected = row[2].get<double>();
    EXPECT_NEAR(mcnemar_exact(row[0].get<int64_t>(), row[1].get<int64_t>()), expected,
                1e-9 * expected)
        << row.dump();
  }
  EXPECT_GE(all["mcnemar"].size(), 10);
}

TEST(BootstrapMean, AgreesWithScipy) {
  const Json all = cases();
  for (const Json& row : all["bootstrap"]) {
    const auto values = row["values"].get<std::vector<double>>();
    const Interval interval = bootstrap_mean(values, 10'000, 42);
    // Other draws than scipy's; and means of a few levels lie on a grid, whose step this lets pass.
    const double near = 0.15 * mean_of_values(values).standard_error;
    EXPECT_NEAR(interval.low, row["low"].get<double>(), near);
    EXPECT_NEAR(interval.high, row["high"].get<double>(), near);
  }
  EXPECT_EQ(all["bootstrap"].size(), 3);
}

TEST(BootstrapMean, RepeatsItself) {
  const std::vector<double> values = {0, 100, 0, 100, 100};
  EXPECT_EQ(bootstrap_mean(values, 500, 1).low, bootstrap_mean(values, 500, 1).low);
  const Interval of_one = bootstrap_mean(std::vector<double>{3}, 10, 1);
  EXPECT_EQ(of_one.low, 3);
  EXPECT_EQ(of_one.high, 3);
}

SampleRecord sample(const std::string& id, double score) {
  SampleRecord record;
  record.id = id;
  record.extracted = "x" + id;
  record.reference = "r" + id;
  record.score = score;
  return record;
}

TEST(CompareSamples, PairsById) {
  const std::vector<SampleRecord> a = {sample("1", 1), sample("2", 0), sample("3", 1),
                                       sample("4", 0), sample("5", 1)};
  const std::vector<SampleRecord> b = {sample("4", 0), sample("2", 1), sample("3", 0),
                                       sample("1", 1), sample("6", 1)};
  const PairedComparison comparison = compare_samples(a, b);
  EXPECT_EQ(comparison.n, 4);
  EXPECT_EQ(comparison.only_a, 1);
  EXPECT_EQ(comparison.only_b, 1);
  EXPECT_EQ(comparison.both_right, 1);
  EXPECT_EQ(comparison.both_wrong, 1);
  EXPECT_EQ(comparison.fixed, 1);
  EXPECT_EQ(comparison.broken, 1);
  EXPECT_EQ(comparison.p_value, 1);
  EXPECT_DOUBLE_EQ(comparison.score_a, 50);
  EXPECT_DOUBLE_EQ(comparison.score_b, 50);
  EXPECT_LT(comparison.difference.low, 0);
  EXPECT_GT(comparison.difference.high, 0);
  ASSERT_EQ(comparison.changed.size(), 2);
  EXPECT_EQ(comparison.changed[0].id, "2");
  EXPECT_TRUE(comparison.changed[0].is_fixed);
  EXPECT_EQ(comparison.changed[1].reference, "r3");
}

TEST(CompareSamples, SaysWhatCannotBePaired) {
  const std::vector<SampleRecord> twice = {sample("1", 1), sample("1", 0)};
  const std::vector<SampleRecord> one = {sample("1", 1)};
  const std::vector<SampleRecord> other = {sample("2", 1)};
  EXPECT_THAT([&] { compare_samples(twice, one); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("'1' is there twice")));
  EXPECT_THAT([&] { compare_samples(one, other); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("no question is in both")));
}

TEST(SampleRecord, ReadsWhatItWrites) {
  SampleRecord record = sample("a/1", 1);
  record.prompt = "p";
  record.response = "r\n";
  record.references = {"x", "y"};
  record.reference = "";
  record.prompt_tokens = 3;
  record.response_tokens = 4;
  record.finish = "eos";
  record.strict = {.extracted = "s", .score = 0};
  record.choice_logprobs = {-1.5, -2};
  const Json json = to_json(record);
  EXPECT_EQ(to_json(sample_from_json(json, "f:1")), json);
  EXPECT_EQ(json["reference"], Json({"x", "y"}));
  const Json given = to_json(sample("1", 0));
  EXPECT_EQ(to_json(sample_from_json(given, "f:1")), given);
  EXPECT_THAT(
      [] {
        sample_from_json(Json{{"id", "1"}}, "f:7");
      },
      testing::ThrowsMessage<Error>(testing::StartsWith("f:7")));
}

}  // namespace
}  // namespace sft
