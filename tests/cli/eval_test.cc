// `sft eval` and `sft diff` from outside, on a tiny random model.

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workplace.h"

namespace sft {
namespace {

using testing::HasSubstr;

class Evaluation : public Workplace {
 protected:
  static std::string bench() { return std::string(SFT_TEST_SOURCE_DIR) + "/data/quickstart/bench"; }
  BinaryResult evaluate(const std::string& output, const std::vector<std::string>& more,
                        const std::string& length = "4") const {
    std::vector<std::string> arguments = {
        "eval",    "--ckpt",   "model", "--data-dir",       bench(), "--limit", "3", "--dtype",
        "float32", "--output", output,  "--max-new-tokens", length};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return sft(arguments);
  }
  // The rows of the only file of answers.
  size_t num_answers() const {
    for (const auto& entry : std::filesystem::directory_iterator(home.path() / "responses")) {
      return json_lines(read_whole_file(entry.path())).size();
    }
    return 0;
  }
};

TEST_F(Evaluation, ASecondRunIsAnsweredFromMemory) {
  const std::vector<std::string> tasks = {"--tasks", "gsm8k:0,boolq:0", "--template",
                                          "question_answer"};
  ASSERT_EQ(evaluate("one", tasks).exit_code, 0);
  const size_t num_kept = num_answers();
  EXPECT_EQ(num_kept, 3U + 3U + 6U);  // texts of both, and two choices of each question of BoolQ
  const BinaryResult again = evaluate("two", tasks);
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(num_answers(), num_kept);
  EXPECT_EQ(read_whole_file(path("one/results.json")), read_whole_file(path("two/results.json")));
  EXPECT_EQ(read_whole_file(path("one/samples/boolq_0shot.jsonl")),
            read_whole_file(path("two/samples/boolq_0shot.jsonl")));
  EXPECT_THAT(again.out, HasSubstr("prompt tokens differ from those of training on 6 of 6"));
  // Another length is another question.
  const BinaryResult longer =
      evaluate("three", {"--tasks", "gsm8k:0", "--template", "question_answer"}, /*length=*/"5");
  ASSERT_EQ(longer.exit_code, 0) << longer.err;
  EXPECT_EQ(num_answers(), num_kept + 3);
}

TEST_F(Evaluation, NoCacheKeepsNothing) {
  ASSERT_EQ(evaluate("one", {"--tasks", "gsm8k:0", "--no-cache"}).exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_empty(home.path()));
}

TEST_F(Evaluation, AGroupSkipsWhatIsNotThere) {
  const BinaryResult result = evaluate("one", {"--tasks", "paper"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("missing="));
  EXPECT_THAT(result.err, HasSubstr("set SFT_JUDGE_URL"));
  std::vector<std::string> missing;
  std::vector<std::string> scored;
  const Json table = read_json(path("one/results.json"));
  for (const Json& entry : table.at("results")) {
    (entry.contains("missing") ? missing : scored).push_back(entry.at("task"));
  }
  EXPECT_EQ(scored, (std::vector<std::string>{"boolq", "mmlu"}));
  EXPECT_THAT(missing, testing::Contains("math"));
  EXPECT_EQ(evaluate("two", {"--tasks", "paper", "--require-all"}).exit_code, 1);
}

TEST_F(Evaluation, SeveralCheckpointsEachHaveTheirFolder) {
  const BinaryResult made =
      sft({"init", "--size", "{hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2}",
           "--tokenizer", "model", "--output", "other"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  ASSERT_EQ(evaluate("all", {"--ckpt", "other", "--tasks", "boolq:0"}).exit_code, 0);
  EXPECT_NE(read_json(path("all/model/results.json")).at("model").at("weights_sha256"),
            read_json(path("all/other/results.json")).at("model").at("weights_sha256"));

  const BinaryResult diff = sft({"diff", "all/model", "all/other", "--json"});
  ASSERT_EQ(diff.exit_code, 0) << diff.err;
  const Json task = Json::parse(diff.out).at("tasks").at(0);
  EXPECT_EQ(task.at("task"), "boolq:0");
  EXPECT_EQ(task.at("n"), 3);
  EXPECT_EQ(task.at("fixed").get<int>() + task.at("broken").get<int>() +
                task.at("both_right").get<int>() + task.at("both_wrong").get<int>(),
            3);
  EXPECT_EQ(sft({"diff", "all/model", "all/model"}).exit_code, 0);
  EXPECT_THAT(sft({"diff", "all/model", "model"}).err, HasSubstr("holds no samples/"));
  EXPECT_THAT(sft({"diff", "all/model", "all/other", "--task", "nq"}).err,
              HasSubstr("no task 'nq' is in both"));
}

}  // namespace
}  // namespace sft
