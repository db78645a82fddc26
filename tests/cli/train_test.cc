// `sft train` from outside: the files of a run folder, and what stopping, killing and starting it
// again leave of them.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "run_binary.h"
#include "workplace.h"

namespace sft {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Train : public Workplace {
 protected:
  // The files that must not depend on when and where a run happened, metrics without their times.
  std::map<std::string, std::string> reproducible_files(const std::string& run) const {
    std::map<std::string, std::string> result;
    for (auto& [name, bytes] : files_of(run)) {
      if (name.starts_with("epoch-") || name == "data.json") {
        result[name] = bytes;
      }
    }
    for (Json line : json_lines(read_whole_file(path(run) / "metrics.jsonl"))) {
      line.erase("seconds");
      result["metrics.jsonl"] += line.dump() + "\n";
    }
    return result;
  }

  // A run of a second or two in eight epochs, saving its state as often as it can.
  static std::vector<std::string> long_run(const std::string& output) {
    return {"train",
            "--config",
            "run.yaml",
            "--output",
            output,
            "--set",
            "train.epochs=8",
            "--set",
            "train.batch_size=1",
            "--set",
            "checkpoints.state_minutes=0.001"};
  }
  static constexpr int kLongRunSteps = 8 * 2 * kStepsPerEpoch;

  size_t num_metrics(const std::string& run) const {
    const std::string text = read_whole_file(path(run) / "metrics.jsonl");
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  // Waits until the run has written so many lines of metrics, or has ended.
  void wait_for_metrics(const RunningBinary& running, const std::string& run, size_t lines) const {
    while (num_metrics(run) < lines && !running.has_ended()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  // All of the undisturbed run, to compare another with. Its name is not in the files.
  void expect_equal_to_undisturbed(const std::string& run) {
    const BinaryResult whole = sft(long_run("undisturbed"));
    ASSERT_EQ(whole.exit_code, 0) << whole.err;
    const auto expected = reproducible_files("undisturbed");
    const auto actual = reproducible_files(run);
    ASSERT_EQ(num_metrics("undisturbed"), static_cast<size_t>(kLongRunSteps));
    ASSERT_TRUE(expected.contains("epoch-8/model.safetensors"));
    for (const auto& [name, bytes] : expected) {
      ASSERT_TRUE(actual.contains(name)) << name;
      EXPECT_TRUE(actual.at(name) == bytes) << name << " differs";
    }
    EXPECT_EQ(actual.size(), expected.size());
  }
};

class TrainPrecision : public Train, public testing::WithParamInterface<const char*> {};

TEST_P(TrainPrecision, LeavesTheRunFolder) {
  const std::string precision = GetParam();
  const BinaryResult result =
      sft({"train", "--config", "run.yaml", "--set", "train.precision=" + precision});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  for (const char* const name : {"config.yaml", "run.json", "metrics.jsonl", "data.json"}) {
    EXPECT_TRUE(std::filesystem::is_regular_file(path("run") / name)) << name;
  }
  EXPECT_FALSE(std::filesystem::is_empty(path("run/tensorboard")));
  EXPECT_FALSE(std::filesystem::exists(path("run/last")));
  for (const char* const epoch : {"epoch-1", "epoch-2"}) {
    for (const char* const name : {"config.json", "model.safetensors", "tokenizer.json",
                                   "tokenizer_config.json", "sft.json"}) {
      EXPECT_TRUE(std::filesystem::is_regular_file(path("run") / epoch / name)) << epoch << name;
    }
  }
  EXPECT_EQ(read_json(path("run/run.json")).at("status"), "done");
  EXPECT_EQ(read_json(path("run/epoch-2/config.json")).at("torch_dtype"),
            precision == "float32" ? "float32" : "bfloat16");
}
INSTANTIATE_TEST_SUITE_P(All, TrainPrecision, testing::Values("bf16", "float32"),
                         [](const auto& info) { return std::string(info.param); });

TEST_F(Train, WritesALineOfMetricsAStep) {
  ASSERT_EQ(sft({"train", "--config", "run.yaml"}).exit_code, 0);
  const std::vector<Json> lines = json_lines(read_whole_file(path("run/metrics.jsonl")));
  ASSERT_EQ(lines.size(), 2U * kStepsPerEpoch);
  for (int i = 0; i < 2 * kStepsPerEpoch; ++i) {
    const Json& line = lines[static_cast<size_t>(i)];
    EXPECT_EQ(line.at("step"), i + 1);
    EXPECT_EQ(line.at("epoch"), i / kStepsPerEpoch + 1);
    EXPECT_GT(line.at("loss").get<double>(), 0);
    EXPECT_GT(line.at("grad_norm").get<double>(), 0);
    EXPECT_GT(line.at("response_tokens").get<int>(), 0);
    EXPECT_GT(line.at("tokens").get<int>(), line.at("response_tokens").get<int>());
    EXPECT_GT(line.at("seconds").get<double>(), 0);
  }
  EXPECT_EQ(lines.front().at("learning_rate"), 1e-3);
  EXPECT_LT(lines.back().at("loss").get<double>(), lines.front().at("loss").get<double>());
}

TEST_F(Train, ADoneRunIsLeftAsItIs) {
  ASSERT_EQ(sft({"train", "--config", "run.yaml"}).exit_code, 0);
  const auto before = files_of("run");
  const auto time = std::filesystem::last_write_time(path("run/run.json"));
  EXPECT_EQ(sft({"train", "--config", "run.yaml"}).exit_code, 0);
  EXPECT_TRUE(files_of("run") == before);
  EXPECT_EQ(std::filesystem::last_write_time(path("run/run.json")), time);
}

TEST_F(Train, AnotherConfigIsRefusedByItsKeys) {
  ASSERT_EQ(sft({"train", "--config", "run.yaml"}).exit_code, 0);
  const auto before = files_of("run");
  const BinaryResult result = sft({"train", "--config", "run.yaml", "--set",
                                   "train.learning_rate=2e-3", "--set", "data.seed=1"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("'data.seed' is '42'"), HasSubstr("'1'"),
                    HasSubstr("'train.learning_rate' is '0.001'"), HasSubstr("'0.002'")));
  EXPECT_TRUE(files_of("run") == before);
}

TEST_F(Train, ResumeNeverRefusesARunThatIsThere) {
  ASSERT_EQ(sft({"train", "--config", "run.yaml", "--resume", "never"}).exit_code, 0);
  const auto before = files_of("run");
  const BinaryResult result = sft({"train", "--config", "run.yaml", "--resume", "never"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("sft: error: run: "));
  EXPECT_TRUE(files_of("run") == before);
}

TEST_F(Train, PlanTrainsNothing) {
  const BinaryResult result = sft({"train", "--config", "run.yaml", "--plan", "--json"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json plan = Json::parse(result.out);
  EXPECT_EQ(plan.at("samples"), 2 * kStepsPerEpoch);
  EXPECT_EQ(plan.at("steps"), 2 * kStepsPerEpoch);
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(Train, APlanOfAModelThatIsNotHereUsesItsKnownShape) {
  const BinaryResult result = sft(
      {"train", "--config", "run.yaml", "--plan", "--json", "--set", "model=google/gemma-2-9b"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const Json plan = Json::parse(result.out);
  EXPECT_EQ(plan.at("parameters"), 9'241'705'984);
  EXPECT_EQ(plan.at("samples"), 2 * kStepsPerEpoch);
  EXPECT_GT(plan.at("tokens"), 0);
  EXPECT_THAT(result.err, HasSubstr("planned from its shape"));
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(Train, APlanOfDataThatAreNotHereUsesWhatTheirRecipesState) {
  for (const char* const name : {"HF_HUB_CACHE", "HF_HOME"}) {
    setenv(name, path("no-cache").c_str(), 1);
  }
  const BinaryResult result =
      sft({"train", "--config", "olmo_lima_1k.yaml", "--plan", "--json", "--offline"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json plan = Json::parse(result.out);
  EXPECT_EQ(plan.at("parameters"), 6'888'095'744);
  EXPECT_EQ(plan.at("samples"), 1000);
  EXPECT_EQ(plan.at("tokens"), 10 * 1000 * 640);
  EXPECT_THAT(result.err, HasSubstr("mean_tokens"));
}

TEST_F(Train, AForeignFolderStaysUntouched) {
  folder.write("mine/thesis.tex", "all of it");
  const auto before = files_of("mine");
  const BinaryResult result = sft({"train", "--config", "run.yaml", "--output", "mine"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("sft: error: mine: "));
  EXPECT_TRUE(files_of("mine") == before);
}

TEST_F(Train, TheSameCommandRunsOnceTheModelIsMended) {
  const std::string whole = read_whole_file(path("model/model.safetensors"));
  folder.write("model/model.safetensors", whole.substr(0, 50000));
  const BinaryResult failed = sft({"train", "--config", "run.yaml"});
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.err, HasSubstr("sft: error: model/model.safetensors: "));
  EXPECT_FALSE(std::filesystem::exists(path("run/epoch-1")));

  folder.write("model/model.safetensors", whole);
  const BinaryResult mended = sft({"train", "--config", "run.yaml"});
  EXPECT_EQ(mended.exit_code, 0) << mended.err;
}

class TrainSignal : public Train, public testing::WithParamInterface<int> {};

TEST_P(TrainSignal, SavesAndTheSameCommandContinues) {
  RunningBinary running(with_threads(long_run("run")), folder.path());
  wait_for_metrics(running, "run", 20);
  running.send(GetParam());
  const BinaryResult stopped = running.wait();
  ASSERT_EQ(stopped.exit_code, 75) << stopped.err;
  EXPECT_EQ(read_json(path("run/run.json")).at("status"), "stopped");
  EXPECT_TRUE(std::filesystem::exists(path("run/last")));
  const size_t steps_done = num_metrics("run");
  ASSERT_LT(steps_done, static_cast<size_t>(kLongRunSteps));

  const BinaryResult finished = sft(long_run("run"));
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_FALSE(std::filesystem::exists(path("run/last")));
  expect_equal_to_undisturbed("run");
}
INSTANTIATE_TEST_SUITE_P(All, TrainSignal, testing::Values(SIGINT, SIGTERM, SIGUSR1),
                         [](const auto& info) {
                           return info.param == SIGINT    ? "Interrupt"
                                  : info.param == SIGTERM ? "Terminate"
                                                          : "User";
                         });

TEST_F(Train, KilledAgainAndAgainItStillEndsWithTheSameBytes) {
  int num_killed = 0;
  for (const size_t lines : {0, 1, 23, 24, 60, 100, 150}) {
    RunningBinary running(with_threads(long_run("run")), folder.path());
    wait_for_metrics(running, "run", lines);
    running.send(SIGKILL);
    num_killed += running.wait().exit_code == 128 + SIGKILL ? 1 : 0;
  }
  EXPECT_GE(num_killed, 4);
  const BinaryResult finished = sft(long_run("run"));
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  expect_equal_to_undisturbed("run");
}

}  // namespace
}  // namespace sft
