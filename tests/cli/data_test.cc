// `sft data` as a user calls it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "workplace.h"

#include "sft/io/jsonl.h"

namespace sft {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::string kLeaked =
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in "
    "May.";

class Data : public Workplace {
 protected:
  void SetUp() override {
    Workplace::SetUp();
    folder.write(
        "bench/gsm8k/test.jsonl",
        "{\"question\": \"Some other question of thirteen words or more that nobody in the "
        "training data asks.\", \"answer\": \"It is 1.\\n#### 1\"}\n"
        "{\"question\": \"" +
            kLeaked + " How many?\", \"answer\": \"72\\n#### 72\"}\n");
  }

  BinaryResult data(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "data");
    arguments.insert(arguments.end(), {"--config", "run.yaml"});
    return sft(arguments);
  }
  BinaryResult check(std::vector<std::string> arguments = {}) const {
    arguments.insert(arguments.begin(), {"check", "--tasks", "gsm8k:0", "--data-dir", "bench"});
    return data(arguments);
  }
  void add_row(const std::string& instruction, const std::string& output) const {
    Json row = {{"instruction", instruction}, {"output", output}};
    folder.write("rows.jsonl", read_whole_file(folder.path() / "rows.jsonl") + row.dump() + "\n");
  }
};

TEST_F(Data, PrepareWritesWhatTrainTakes) {
  const BinaryResult prepared = data({"prepare", "--output", "prepared"});
  ASSERT_EQ(prepared.exit_code, 0) << prepared.err;
  EXPECT_THAT(prepared.out, AllOf(HasSubstr("rows: 24 read, none dropped, 24 kept, 24 drawn"),
                                  HasSubstr("prepared: prepared")));
  JsonlReader lines(folder.path() / "prepared/train.jsonl");
  int count = 0;
  while (const auto line = lines.next()) {
    EXPECT_EQ(line->value["turns"].size(), 1U);
    EXPECT_THAT(line->value["source"].get<std::string>(), testing::StartsWith("rows.jsonl:"));
    ++count;
  }
  EXPECT_EQ(count, 24);
  EXPECT_THAT(data({"prepare", "--output", "prepared"}).out, HasSubstr("was prepared before"));
  const BinaryResult trained =
      sft({"train", "--config", "run.yaml", "--set", "train.max_steps=1", "--verbose"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("[data] found prepared set"));
  EXPECT_EQ(read_whole_file(folder.path() / "run/data.json"),
            read_whole_file(folder.path() / "prepared/data.json"));
}

TEST_F(Data, PrepareReplacesNothingElse) {
  folder.write("mine/notes.txt", "dear to me");
  const BinaryResult result = data({"prepare", "--output", "mine"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("mine: exists already"));
  EXPECT_EQ(read_whole_file(folder.path() / "mine/notes.txt"), "dear to me");
}

TEST_F(Data, ShowMarksWhatIsTrainedOn) {
  const BinaryResult plain = data({"show", "--n", "2", "--set", "data.shuffle=false"});
  ASSERT_EQ(plain.exit_code, 0) << plain.err;
  EXPECT_THAT(plain.out, HasSubstr("(rows: rows.jsonl:1)"));
  EXPECT_THAT(plain.out, HasSubstr("###Question: What comes after 0?\n###Answer:\xC2\xAB It is 1"
                                   "<|endoftext|>\xC2\xBB"));
  EXPECT_THAT(plain.out, Not(HasSubstr("rows.jsonl:3")));
  EXPECT_THAT(data({"show", "--n", "1", "--color", "always"}).out,
              AllOf(HasSubstr("\033[1;32m It is"), HasSubstr("<|endoftext|>\033[0m")));
  const BinaryResult json = data({"show", "--n", "1", "--json"});
  const Json sample = parse_json(json.out, "show");
  EXPECT_FALSE(sample["tokens"].front()["is_trained_on"]);
  EXPECT_TRUE(sample["tokens"].back()["is_trained_on"]);
}

TEST_F(Data, CheckFindsNothingInCleanData) {
  const BinaryResult result = check();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("       0  of 2 gsm8k"),
                                HasSubstr("       0  equal to an earlier sample"),
                                HasSubstr("tokens of a sample\nmodel: mean ")));
}

TEST_F(Data, CheckFindsAPlantedQuestion) {
  add_row("Solve it: " + kLeaked, "72");
  const BinaryResult result = check();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("       1  of 2 gsm8k\n          question 1 (question, "));
  EXPECT_THAT(result.out, HasSubstr("in rows: rows.jsonl:25: \"natalia sold clips to 48 of her"));
  EXPECT_THAT(result.err, HasSubstr("data check: not to be trained on: 1 questions of gsm8k"));
  const BinaryResult json = check({"--json"});
  EXPECT_EQ(json.exit_code, 1);
  const Json report = parse_json(json.out, "check");
  EXPECT_EQ(report["leakage"][0]["num_found"], 1);
  EXPECT_EQ(report["leakage"][0]["found"][0]["source"], "rows.jsonl:25");
  EXPECT_EQ(report["faults"].size(), 1U);
}

TEST_F(Data, AnOptionAloneIsNoQuestion) {
  folder.write("bench/mmlu/test.jsonl",
               "{\"question\": \"Which of these does a philosopher of that school most likely say "
               "when asked for a rule?\", \"subject\": \"moral_disputes\", \"choices\": [\"the "
               "ends justify the means\", \"b\", \"c\", \"d\"], \"answer\": 0}\n");
  add_row("Say something.", "The ends justify the means.");
  const BinaryResult result = data({"check", "--tasks", "mmlu:0", "--data-dir", "bench"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("       0  of 1 mmlu"));
}

TEST_F(Data, CheckFindsTheTemplateInsideAResponse) {
  add_row("What comes next?", "Nothing.\n###Question: And then?");
  add_row("What comes last?", "Nothing.<|endoftext|>");
  add_row("What comes last?", "");
  add_row("What comes after 0?", "It is 1");
  const BinaryResult result = check();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("1 dropped (1 empty_response)"),
                                HasSubstr("empty_response: rows.jsonl:27"),
                                HasSubstr("rows: rows.jsonl:25: '###Question:'"),
                                HasSubstr("rows: rows.jsonl:26: '<|endoftext|>'"),
                                HasSubstr("       1  equal to an earlier sample")));
}

TEST_F(Data, CheckNamesBenchmarksThatAreNotThere) {
  const BinaryResult result = data({"check", "--data-dir", "none"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("not looked for: gsm8k: gsm8k/test.jsonl is missing"));
}

TEST_F(Data, PromptsThatEvaluationSendsOtherwiseAreTold) {
  // With a space of its own in front of it, the response's first token is another one.
  const BinaryResult result = check();
  EXPECT_THAT(result.out,
              HasSubstr("sft eval sends 24 of 24 prompts as other tokens than trained"));
  EXPECT_THAT(sft({"train", "--config", "run.yaml", "--set", "train.max_steps=1"}).err,
              HasSubstr("sft eval sends 24 of 24 prompts"));
}

TEST_F(Data, WrongUseIsToldAtOnce) {
  EXPECT_EQ(sft({"data"}).exit_code, 2);
  EXPECT_EQ(sft({"data", "show"}).exit_code, 2);
  EXPECT_EQ(check({"--set", "data.samples=0"}).exit_code, 2);
  EXPECT_EQ(data({"check", "--tasks", "gsm9k"}).exit_code, 2);
}

TEST_F(Data, NoDataLeftIsAFault) {
  const BinaryResult result = check({"--set", "data.max_length=3"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no samples are left of 24 read: 24 dropped (24 too_long)"));
}

}  // namespace
}  // namespace sft
