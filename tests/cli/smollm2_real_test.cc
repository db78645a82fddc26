// SmolLM2-135M-Instruct through the binary, against the values of transformers in
// tests/reference/smollm2.json (see smollm2_reference.py there).

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "run_binary.h"
#include "temp_folder.h"
#include "workplace.h"

#include "sft/io/json.h"

namespace sft {
namespace {

class SmolLm2 : public testing::Test {
 protected:
  void SetUp() override {
    setenv("SFT_HOME", (folder.path() / "home").c_str(), /*overwrite=*/1);
    const char* const set = std::getenv("SFT_DEPS");
    const char* const home = std::getenv("HOME");
    const std::filesystem::path deps =
        set != nullptr ? std::filesystem::path(set)
                       : std::filesystem::path(home != nullptr ? home : "") / ".cache/sft/deps";
    model = deps / "models" / "SmolLM2-135M-Instruct";
    if (!std::filesystem::exists(model / "model.safetensors")) {
      GTEST_SKIP() << model << " is absent; scripts/quickstart imports it";
    }
    reference = read_json(std::string(SFT_TEST_SOURCE_DIR) + "/tests/reference/smollm2.json");
  }

  // What a command makes of the entries of the reference, kept to `fields`.
  std::vector<Json> run(std::vector<std::string> arguments, const Json& entries,
                        const std::vector<std::string>& fields) const {
    std::string input;
    for (const Json& entry : entries) {
      Json line;
      for (const std::string& field : fields) {
        line[field] = entry.at(field);
      }
      input += line.dump() + "\n";
    }
    arguments.insert(arguments.end(), {"--ckpt", model.string(), "--input", "-", "--output", "-"});
    const BinaryResult result = run_binary(arguments, folder.path(), input);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::vector<Json> lines = json_lines(result.out);
    EXPECT_EQ(lines.size(), entries.size());
    lines.resize(entries.size());
    return lines;
  }

  TempFolder folder;
  std::filesystem::path model;
  Json reference;
};

TEST_F(SmolLm2, Float32ScoresAreThoseOfTransformers) {
  const Json& expected = reference.at("scores");
  const std::vector<Json> scores =
      run({"score", "--dtype", "float32"}, expected, {"prompt", "completion"});
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(scores[i].at("token_ids"), expected[i].at("token_ids")) << i;
    const auto values = scores[i].at("token_logprobs").get<std::vector<double>>();
    const auto values_there = expected[i].at("token_logprobs").get<std::vector<double>>();
    ASSERT_EQ(values.size(), values_there.size());
    for (size_t k = 0; k < values.size(); ++k) {
      EXPECT_NEAR(values[k], values_there[k], 2e-4) << "pair " << i << " token " << k;
    }
  }
}

TEST_F(SmolLm2, Bf16ScoresErrAtMostHalfMoreThanTransformersDo) {
  const Json& expected = reference.at("scores");
  const std::vector<Json> scores =
      run({"score", "--dtype", "bf16"}, expected, {"prompt", "completion"});
  double ours = 0;
  double theirs = 0;
  size_t num_tokens = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto values = scores[i].at("token_logprobs").get<std::vector<double>>();
    const auto exact = expected[i].at("bf16_exact_logprobs").get<std::vector<double>>();
    ASSERT_EQ(values.size(), exact.size());
    for (size_t k = 0; k < values.size(); ++k) {
      ours += (values[k] - exact[k]) * (values[k] - exact[k]);
    }
    const auto error = expected[i].at("bf16_rms_error").get<double>();
    theirs += error * error * static_cast<double>(exact.size());
    num_tokens += exact.size();
  }
  const auto rms = [&](double sum) { return std::sqrt(sum / static_cast<double>(num_tokens)); };
  RecordProperty("ours", std::to_string(rms(ours)));
  RecordProperty("transformers", std::to_string(rms(theirs)));
  EXPECT_LE(rms(ours), 1.5 * rms(theirs));
  EXPECT_GT(rms(ours), 0.1 * rms(theirs)) << "is this bf16 at all?";
}

TEST_F(SmolLm2, GreedyTextsAreThoseOfTransformers) {
  const Json& expected = reference.at("greedy");
  const std::vector<Json> answers =
      run({"generate", "--dtype", "float32", "--template", "none", "--max-new-tokens", "64"},
          expected, {"prompt"});
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(answers[i].at("token_ids"), expected[i].at("token_ids")) << i;
    EXPECT_EQ(answers[i].at("response"), expected[i].at("response")) << i;
    EXPECT_EQ(answers[i].at("finish"), expected[i].at("finish")) << i;
  }
}

}  // namespace
}  // namespace sft
