#include "sft/core/config_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/core/error.h"

namespace sft {
namespace {

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> faults_of(const ConfigNode& root) {
  try {
    root.check();
  } catch (const UsageError& error) {
    return error.faults();
  }
  return {};
}

TEST(ConfigNode, ReadsValuesAndKeepsDefaults) {
  const ConfigNode root = ConfigNode::parse("a: 3\nb: 1.0e-5\nc: [x, 'y']\nd: true\n", "t.yaml");
  int64_t a = 0;
  int64_t absent = 7;
  double b = 0;
  std::vector<std::string> c;
  bool d = false;
  root.read("a", a);
  root.read("absent", absent);
  root.read("b", b);
  root.read("c", c);
  root.read("d", d);
  root.finish();
  root.check();
  EXPECT_EQ(a, 3);
  EXPECT_EQ(absent, 7);
  EXPECT_EQ(b, 1e-5);
  EXPECT_THAT(c, ElementsAre("x", "y"));
  EXPECT_TRUE(d);
}

TEST(ConfigNode, ReportsAllFaultsInTheFilesOrder) {
  const ConfigNode root =
      ConfigNode::parse("train:\n  epochz: 1\n  epochs: many\nmodel:\n", "t.yaml");
  int64_t epochs = 1;
  const ConfigNode train = root.at("train");
  root.require("model");
  train.read("epochs", epochs, {.min = 1});
  train.finish();
  root.finish();
  EXPECT_THAT(faults_of(root),
              ElementsAre("t.yaml:2:3: unknown key 'train.epochz'; did you mean 'epochs'?",
                          "t.yaml:3:3: 'train.epochs' is 'many', must be a whole number",
                          "t.yaml:4:1: 'model' is missing"));
}

TEST(ConfigNode, RefusesDuplicateKeys) {
  const ConfigNode root = ConfigNode::parse("a: 1\na: 2\n", "t.yaml");
  root.at("a");
  root.finish();
  EXPECT_THAT(faults_of(root), ElementsAre("t.yaml:2:1: duplicate key 'a'"));
}

TEST(ConfigNode, ChecksRangesAndChoices) {
  enum class Kind { kA, kB };
  const ConfigNode root = ConfigNode::parse("n: -1\nk: alpa\n", "t.yaml");
  double n = 0;
  Kind k = Kind::kB;
  root.read("n", n, {.min = 0});
  root.read_choice("k", k, {{"alpha", Kind::kA}, {"beta", Kind::kB}});
  EXPECT_THAT(faults_of(root),
              ElementsAre("t.yaml:1:1: 'n' is '-1', must be at least 0",
                          "t.yaml:2:1: unknown value of 'k' 'alpa' (did you mean 'alpha'? known: "
                          "alpha, beta)"));
}

TEST(ConfigNode, OverridesReplaceAndAddValues) {
  const std::vector<std::string> overrides = {"train.epochs=5", "data.datasets=[a, b]"};
  const ConfigNode root = ConfigNode::parse("train:\n  epochs: 1\n", "t.yaml", overrides);
  int64_t epochs = 0;
  std::vector<std::string> datasets;
  root.at("train").read("epochs", epochs);
  root.at("data").read("datasets", datasets);
  EXPECT_EQ(epochs, 5);
  EXPECT_THAT(datasets, ElementsAre("a", "b"));
}

TEST(ConfigNode, OverrideFaultsNameTheFlag) {
  const std::vector<std::string> overrides = {"epochs=x"};
  const ConfigNode root = ConfigNode::parse("", "t.yaml", overrides);
  int64_t epochs = 0;
  root.read("epochs", epochs);
  EXPECT_THAT(faults_of(root),
              ElementsAre("--set epochs=x: 'epochs' is 'x', must be a whole number"));
}

TEST(ConfigNode, OverridesHaveABoundedDepth) {
  const std::vector<std::string> overrides = {repeated("a.", 100'000) + "a=1"};
  EXPECT_THAT([&] { ConfigNode::parse("", "t.yaml", overrides); },
              testing::ThrowsMessage<UsageError>(HasSubstr("longer than 32 levels")));
}

struct Refused {
  const char* name;
  std::string text;
  const char* message;
};

class ConfigNodeRefuses : public testing::TestWithParam<Refused> {};

TEST_P(ConfigNodeRefuses, WithPlaceAndReason) {
  try {
    ConfigNode::parse(GetParam().text, "t.yaml");
    FAIL() << "was taken";
  } catch (const UsageError& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Texts, ConfigNodeRefuses,
    testing::Values(Refused{"alias", "a: &x 1\nb: *x\n", "anchors and aliases"},
                    Refused{"depth", "a: " + std::string(100, '[') + std::string(100, ']'),
                            "nested deeper than 32"},
                    Refused{"size", std::string(2 << 20, ' '), "at most"},
                    Refused{"syntax", "a: [1\nb: 2", "t.yaml:"},
                    Refused{"values", "a: [" + repeated("1, ", 20'000) + "1]",
                            "t.yaml:1:29999: holds more than 10000 values"},
                    Refused{"list", "- 1\n", "must be a map"},
                    Refused{"documents", "a: 1\n---\nb: 2\n", "more than one"}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sft
