// HumanEval and MBPP through `sft eval`, on files of the same form that are made here.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workplace.h"

namespace sft {
namespace {

using testing::HasSubstr;

std::string line(const Json& json) {
  return dump_json(json, JsonLayout::kCompact) + "\n";
}

// Rows 7 and 8 are the first two that the study asks.
std::string mbpp_file() {
  const Json unused = {
      {"prompt", "-"}, {"test_list", {"assert True"}}, {"test_imports", Json::array()}};
  Json rows = Json::array();
  for (int i = 0; i < 7; ++i) {
    rows.push_back(unused);
  }
  rows.push_back({{"prompt", "Write a function that adds one."},
                  {"test_list", {"assert add(1) == 2", "assert add(-1) == 0"}},
                  {"test_imports", Json::array()}});
  rows.push_back({{"prompt", "Write a function that takes a root."},
                  {"test_list", {"assert math.isclose(root(4), 2)"}},
                  {"test_imports", {"import math"}}});
  rows.push_back({{"prompt", "Write a function that waits."},
                  {"test_list", {"assert wait() == 1"}},
                  {"test_imports", Json::array()}});
  return dump_json(rows, JsonLayout::kIndented);
}

std::string humaneval_file() {
  return line({{"task_id", "Made/0"},
               {"prompt", "def twice(x):\n    \"\"\"Twice x.\"\"\"\n"},
               {"entry_point", "twice"},
               {"canonical_solution", "    return 2 * x\n"},
               {"test",
                "def check(candidate):\n    assert candidate(2) == 4\n"
                "    assert candidate(0) == 0\n"}}) +
         line({{"task_id", "Made/1"},
               {"prompt", "def half(x):\n    \"\"\"Half of x.\"\"\"\n"},
               {"entry_point", "half"},
               {"canonical_solution", "    return x / 2\n"},
               {"test", "def check(candidate):\n    assert candidate(2) == 1\n"}});
}

// Gives every program of a PATH but bubblewrap.
class WithoutBubblewrap {
 public:
  WithoutBubblewrap() { setenv("PATH", "/nowhere", /*replace=*/1); }
  ~WithoutBubblewrap() { setenv("PATH", path_.c_str(), /*replace=*/1); }
  WithoutBubblewrap(const WithoutBubblewrap&) = delete;
  WithoutBubblewrap& operator=(const WithoutBubblewrap&) = delete;

 private:
  std::string path_ = std::getenv("PATH");
};

class CodeTasks : public Workplace {
 protected:
  void SetUp() override {
    Workplace::SetUp();
    folder.write("bench/mbpp/sanitized-mbpp.json", mbpp_file());
    folder.write("bench/humaneval/HumanEval.jsonl", humaneval_file());
  }

  // Whether this machine can run programs; else why not.
  std::string fault() const {
    const BinaryResult result = sft({"doctor", "--offline", "--json"});
    for (const Json& check : Json::parse(result.out).at("checks")) {
      if (check.at("name") == "sandbox" && check.at("status") != "ok") {
        return check.at("found");
      }
    }
    return "";
  }

  std::vector<std::string> arguments(const std::string& task, const std::string& responses) const {
    folder.write("responses.jsonl", responses);
    return {"eval",       "--responses", "responses.jsonl", "--task", task,
            "--data-dir", "bench",       "--output",        "out"};
  }
  BinaryResult score(const std::string& task, const std::string& responses,
                     const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = arguments(task, responses);
    all.insert(all.end(), more.begin(), more.end());
    return sft(all);
  }
  Json entry() const { return read_json(path("out/results.json")).at("results").at(0); }
};

const std::string kMbppResponses =
    line({{"id", "7"}, {"response", "[BEGIN]\ndef add(x):\n    return x + 1\n[DONE]"}}) +
    line({{"id", "8"}, {"response", "[BEGIN]\ndef root(x):\n    return x ** 0.5\n[DONE]"}});

TEST_F(CodeTasks, MbppIsScoredWithItsOutcomes) {
  if (const std::string why = fault(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const BinaryResult result =
      score("mbpp:0", kMbppResponses + line({{"id", "9"},
                                             {"response",
                                              "[BEGIN]\ndef wait():\n    while "
                                              "True: pass\n[DONE]"}}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json found = entry();
  EXPECT_NEAR(found.at("score").get<double>(), 100.0 / 3, 1e-9);
  EXPECT_NEAR(found.at("strict").at("score").get<double>(), 200.0 / 3, 1e-9);
  EXPECT_EQ(found.at("outcomes").dump(), R"({"pass":1,"wrong_answer":0,"failed":1,"timeout":1})");
  EXPECT_THAT(found.at("settings").at("interpreter").get<std::string>(),
              testing::StartsWith("Python 3."));
  const std::vector<Json> samples =
      json_lines(read_whole_file(path("out/samples/mbpp_0shot.jsonl")));
  ASSERT_EQ(samples.size(), 3U);
  EXPECT_EQ(samples[0].at("outcome"), "pass");
  EXPECT_EQ(samples[1].at("outcome"), "failed");
  EXPECT_EQ(samples[1].at("strict_outcome"), "pass");
  EXPECT_EQ(samples[2].at("strict_outcome"), "timeout");
}

TEST_F(CodeTasks, HumanEvalIsScoredWithItsOutcomes) {
  if (const std::string why = fault(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const BinaryResult result =
      score("humaneval:0", line({{"id", "0"}, {"response", "    return 2 * x\n"}}) +
                               line({{"id", "1"}, {"response", "    return x\n"}}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(entry().at("score"), 50.0);
  EXPECT_EQ(entry().at("outcomes").dump(), R"({"passed":1,"failed":1,"timed out":0})");
  const std::string first = read_whole_file(path("out/results.json"));
  ASSERT_EQ(score("humaneval:0", read_whole_file(path("responses.jsonl"))).exit_code, 0);
  EXPECT_EQ(read_whole_file(path("out/results.json")), first);
}

TEST_F(CodeTasks, AreRefusedWithoutASandbox) {
  if (!std::filesystem::exists("/usr/bin/python3")) {
    GTEST_SKIP() << "no /usr/bin/python3";
  }
  const WithoutBubblewrap without;
  const BinaryResult refused = score("mbpp:0", kMbppResponses);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, testing::AllOf(HasSubstr("sft: error: mbpp:0: "),
                                          HasSubstr("bubblewrap is not installed"),
                                          HasSubstr("apt-get install bubblewrap"),
                                          HasSubstr("--allow-unsandboxed-code")));
  EXPECT_FALSE(std::filesystem::exists(path("out")));
  // Before the model is loaded: this one cannot be.
  std::filesystem::remove(path("model/model.safetensors"));
  const BinaryResult asked =
      sft({"eval", "--ckpt", "model", "--tasks", "boolq:0,humaneval:0", "--data-dir", "bench",
           "--output", "out", "--max-new-tokens", "4"});
  EXPECT_EQ(asked.exit_code, 1);
  EXPECT_THAT(asked.err, HasSubstr("sft: error: humaneval:0: "));
  EXPECT_FALSE(std::filesystem::exists(path("out")));
}

TEST_F(CodeTasks, RunUnsandboxedWhereTheUserTypesIt) {
  if (!std::filesystem::exists("/usr/bin/python3")) {
    GTEST_SKIP() << "no /usr/bin/python3";
  }
  const WithoutBubblewrap without;
  const BinaryResult result = score("mbpp:0", kMbppResponses, {"--allow-unsandboxed-code"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("no sandbox"));
  EXPECT_EQ(entry().at("score"), 50.0);
  EXPECT_EQ(entry().at("strict").at("score"), 100.0);
  EXPECT_THAT(entry().at("settings").at("interpreter").get<std::string>(), HasSubstr("no sandbox"));
}

TEST_F(CodeTasks, AModelsOwnProgramsAreRun) {
  if (const std::string why = fault(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const BinaryResult result =
      sft({"eval", "--ckpt", "model", "--tasks", "humaneval:0,mbpp:0", "--data-dir", "bench",
           "--output", "out", "--max-new-tokens", "4"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(entry().at("outcomes").dump(), R"({"passed":0,"failed":2,"timed out":0})");
}

// How deep the tree of processes below one is.
int generations_below(pid_t parent) {
  int most = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::string name;
    std::string state;
    pid_t id = 0;
    pid_t its_parent = 0;
    std::ifstream file(entry.path() / "stat");  // "12 (name) S 1 ..."; the names here have no blank
    if (file >> id >> name >> state >> its_parent && its_parent == parent) {
      most = std::max(most, 1 + generations_below(id));
    }
  }
  return most;
}

bool soon(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

// Neither SIGTERM nor SIGKILL leaves a program behind.
TEST_F(CodeTasks, NothingRunsOnBehindAKilledCommand) {
  if (const std::string why = fault(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // what is left behind becomes ours
  const std::string endless =
      line({{"id", "9"}, {"response", "[BEGIN]\nimport time\ntime.sleep(1e6)\n[DONE]"}});
  for (const int signal : {SIGKILL, SIGTERM}) {
    {
      RunningBinary command(with_threads(arguments("mbpp:0", endless)), folder.path());
      ASSERT_TRUE(soon([] { return generations_below(getpid()) >= 3; }));  // sft, bwrap, Python
      command.send(signal);
      command.wait();
    }
    EXPECT_TRUE(soon([] { return waitpid(-1, nullptr, WNOHANG) < 0; }))
        << "a process still runs after signal " << signal;
  }
}

}  // namespace
}  // namespace sft
