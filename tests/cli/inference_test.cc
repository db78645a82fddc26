// `sft score`, `generate`, `tokenize`, `init` and `eval` from outside, on a tiny random model.

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workplace.h"

#include "sft/io/json.h"

namespace sft {
namespace {

using testing::HasSubstr;

class Inference : public Workplace {
 protected:
  Json tokenize(const std::string& text) const {
    return Json::parse(sft({"tokenize", "--ckpt", "model", "--text", text}).out);
  }
  // In float32, from stdin to stdout.
  std::vector<Json> score(const std::string& lines) const {
    const BinaryResult result = sft(
        {"score", "--ckpt", "model", "--dtype", "float32", "--input", "-", "--output", "-"}, lines);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json_lines(result.out);
  }
  std::vector<Json> generate(const std::string& lines,
                             const std::vector<std::string>& flags = {}) const {
    std::vector<std::string> arguments = {"generate", "--ckpt",           "model", "--dtype",
                                          "float32",  "--input",          "-",     "--output",
                                          "-",        "--max-new-tokens", "8"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const BinaryResult result = sft(arguments, lines);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return json_lines(result.out);
  }
};

using Score = Inference;
using Generate = Inference;
using Tokenize = Inference;
using Init = Inference;
using Eval = Inference;

const std::vector<std::string> kPairs = {
    R"({"prompt": "The number after 1", "completion": " is 2"})",
    R"({"prompt": "", "completion": "The"})",
    R"({"prompt": "The number after 3 is 4, isn't it? The number after 4 is", "completion": " 5"})",
    R"({"prompt": "a", "completion": ""})",
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    text += line + "\n";
  }
  return text;
}

TEST_F(Score, UnequalLengthsTogetherGiveWhatEachGivesAlone) {
  const std::vector<Json> together = score(joined(kPairs));
  ASSERT_EQ(together.size(), kPairs.size());
  for (size_t i = 0; i < kPairs.size(); ++i) {
    const Json alone = score(kPairs[i] + "\n").at(0);
    EXPECT_EQ(together[i].at("token_ids"), alone.at("token_ids"));
    EXPECT_EQ(together[i].at("is_greedy"), alone.at("is_greedy"));
    const auto values = together[i].at("token_logprobs").get<std::vector<double>>();
    const auto expected = alone.at("token_logprobs").get<std::vector<double>>();
    ASSERT_EQ(values.size(), expected.size());
    double sum = 0;
    for (size_t k = 0; k < values.size(); ++k) {
      EXPECT_NEAR(values[k], expected[k], 1e-5);
      EXPECT_LT(values[k], 0);
      sum += values[k];
    }
    EXPECT_NEAR(together[i].at("logprob").get<double>(), sum, 1e-9);
  }
}

TEST_F(Score, IdsGiveWhatTheirTextGives) {
  const Json prompt = tokenize("The number after 1").at("ids");
  const Json both = tokenize("The number after 1 is 2").at("ids");
  const Json completion(
      std::vector<Json>(both.begin() + static_cast<int>(prompt.size()), both.end()));
  const Json line = {{"prompt_ids", prompt}, {"completion_ids", completion}};
  EXPECT_EQ(score(line.dump() + "\n").at(0), score(kPairs[0] + "\n").at(0));
}

TEST_F(Score, AFileAndStdoutGetTheSameLines) {
  folder.write("pairs.jsonl", joined(kPairs));
  const BinaryResult to_file = sft({"score", "--ckpt", "model", "--dtype", "float32", "--input",
                                    "pairs.jsonl", "--output", "new/scores.jsonl"});
  ASSERT_EQ(to_file.exit_code, 0) << to_file.err;
  EXPECT_EQ(to_file.out, "");
  EXPECT_EQ(json_lines(read_whole_file(path("new/scores.jsonl"))), score(joined(kPairs)));
}

TEST_F(Generate, UnequalLengthsTogetherGiveWhatEachGivesAlone) {
  const std::vector<std::string> prompts = {R"({"prompt": "The number"})", R"({"prompt": ""})",
                                            R"({"prompt": "The number after 7 is 8, isn't"})"};
  const std::vector<Json> together = generate(joined(prompts));
  ASSERT_EQ(together.size(), prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(together[i], generate(prompts[i] + "\n").at(0));
    EXPECT_EQ(together[i].at("prompt"), Json::parse(prompts[i]).at("prompt"));
  }
}

TEST_F(Generate, CopiesOtherFields) {
  const Json line = generate(R"({"id": "seven", "prompt": "The"})"
                             "\n")
                        .at(0);
  EXPECT_EQ(line.at("id"), "seven");
}

TEST_F(Generate, OnePromptAnswersOnStdout) {
  const BinaryResult text = sft({"generate", "--ckpt", "model", "--prompt", "The", "--dtype",
                                 "float32", "--max-new-tokens", "8"});
  ASSERT_EQ(text.exit_code, 0) << text.err;
  const BinaryResult json = sft({"generate", "--ckpt", "model", "--prompt", "The", "--dtype",
                                 "float32", "--max-new-tokens", "8", "--json"});
  const Json line = Json::parse(json.out);
  EXPECT_EQ(text.out, line.at("response").get<std::string>() + "\n");
  EXPECT_EQ(line, generate(R"({"prompt": "The"})"
                           "\n")
                      .at(0));
}

TEST_F(Generate, EndsBeforeAStopString) {
  const std::vector<std::string> draws = {"--temperature", "1", "--seed", "3"};
  const std::string prompt = R"({"prompt": "The number"})"
                             "\n";
  const auto free_text = generate(prompt, draws).at(0).at("response").get<std::string>();
  ASSERT_GT(free_text.size(), 4U);
  // An ASCII character of the middle, so that the stop string is valid text.
  size_t at = 2;
  while (at < free_text.size() && static_cast<unsigned char>(free_text[at]) >= 128) {
    ++at;
  }
  ASSERT_LT(at, free_text.size());
  const std::string stop = free_text.substr(at, 1);
  std::vector<std::string> flags = draws;
  flags.insert(flags.end(), {"--stop", stop});
  const Json stopped = generate(prompt, flags).at(0);
  EXPECT_EQ(stopped.at("finish"), "stop");
  EXPECT_EQ(stopped.at("response"), free_text.substr(0, free_text.find(stop)));
}

TEST_F(Generate, TheSeedDecidesTheDraws) {
  const std::string prompt = R"({"prompt": "The number"})"
                             "\n";
  const auto draw = [&](const std::string& seed) {
    return generate(prompt, {"--temperature", "1", "--seed", seed}).at(0);
  };
  EXPECT_EQ(draw("3"), draw("3"));
  EXPECT_NE(draw("3"), draw("4"));
}

TEST_F(Generate, APromptBeyondTheContextNamesItsLineAndTheLimit) {
  folder.write("prompts.jsonl",
               "{\"prompt\": \"a\"}\n{\"prompt\": \"" + std::string(3000, '!') + "\"}\n");
  const BinaryResult result =
      sft({"generate", "--ckpt", "model", "--input", "prompts.jsonl", "--output", "out.jsonl"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("sft: error: prompts.jsonl:2: "));
  EXPECT_THAT(result.err, HasSubstr("3000"));
  EXPECT_THAT(result.err, HasSubstr("256"));
  EXPECT_FALSE(std::filesystem::exists(path("out.jsonl")));
}

TEST_F(Tokenize, DecodingGivesTheTextBack) {
  std::string lines;
  for (const std::string text :
       {"", " ", "The number after 1 is 2", "caf\u00e9 \u65e5\u672c \U0001f600", "<|endoftext|>a",
        "\t\r\n\n  x  ", "it's WE'LL 12345"}) {
    lines += Json{{"text", text}}.dump() + "\n";
  }
  const BinaryResult ids =
      sft({"tokenize", "--ckpt", "model", "--input", "-", "--output", "-"}, lines);
  ASSERT_EQ(ids.exit_code, 0) << ids.err;
  const BinaryResult back =
      sft({"tokenize", "--ckpt", "model", "--decode", "--input", "-", "--output", "-"}, ids.out);
  ASSERT_EQ(back.exit_code, 0) << back.err;
  EXPECT_EQ(json_lines(back.out), json_lines(lines));
}

TEST_F(Tokenize, ASpecialTokenIsOneId) {
  const Json line = tokenize("The<|endoftext|>");
  EXPECT_EQ(line.at("tokens").back(), "<|endoftext|>");
  EXPECT_EQ(line.at("ids").back(), read_json(path("model/config.json")).at("eos_token_id"));
}

TEST_F(Init, TheSeedDecidesTheWeights) {
  const auto weights = [&](const std::string& seed, const std::string& output) {
    const BinaryResult made =
        sft({"init", "--size", "{hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2}",
             "--tokenizer", "model", "--seed", seed, "--output", output});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    return read_whole_file(path(output) / "model.safetensors");
  };
  const std::string first = weights("5", "a");
  EXPECT_TRUE(first == weights("5", "b"));
  EXPECT_FALSE(first == weights("6", "c"));
  EXPECT_EQ(read_json(path("a/config.json")).at("hidden_size"), 16);
  EXPECT_EQ(read_whole_file(path("a/tokenizer.json")),
            read_whole_file(path("model/tokenizer.json")));
}

TEST_F(Eval, WritesResultsAndSamples) {
  const BinaryResult result =
      sft({"eval", "--ckpt", "model", "--tasks", "gsm8k:0,boolq:0", "--data-dir",
           std::string(SFT_TEST_SOURCE_DIR) + "/data/quickstart/bench", "--limit", "3",
           "--max-new-tokens", "4", "--output", "scores"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json results = read_json(path("scores/results.json")).at("results");
  ASSERT_EQ(results.size(), 2U);
  for (const Json& entry : results) {
    EXPECT_EQ(entry.at("n"), 3);
    EXPECT_EQ(entry.at("settings").at("max_new_tokens"), 4);
    const std::string name = entry.at("task").get<std::string>() + "_0shot.jsonl";
    EXPECT_EQ(json_lines(read_whole_file(path("scores/samples") / name)).size(), 3U);
  }
}

TEST_F(Eval, StoredResponsesGetTheScoreThatTheModelGot) {
  const std::string bench = std::string(SFT_TEST_SOURCE_DIR) + "/data/quickstart/bench";
  std::string lines;
  for (const Json& row : json_lines(read_whole_file(bench + "/gsm8k/test.jsonl"))) {
    const size_t id = json_lines(lines).size();
    // Every second answer is right.
    lines += Json{{"id", std::to_string(id)},
                  {"response", id % 2 == 0 ? row.at("answer").get<std::string>() : "none"}}
                 .dump() +
             "\n";
  }
  folder.write("answers.jsonl", lines);
  const BinaryResult result = sft({"eval", "--responses", "answers.jsonl", "--task", "gsm8k:0",
                                   "--data-dir", bench, "--output", "scores"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(read_json(path("scores/results.json")).at("results").at(0).at("score"), 50);
}

}  // namespace
}  // namespace sft
