// The files of a run: folder, metrics, TensorBoard events.

#include <cstring>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"
#include "train/tensorboard_log.h"

#include "sft/core/error.h"
#include "sft/train/metrics_log.h"
#include "sft/train/run_folder.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

TrainConfig config_for(const fs::path& output) {
  TrainConfig config;
  config.model = "base";
  config.data.datasets = {"a.jsonl"};
  config.output = output;
  return config;
}

std::string error_of(const TrainConfig& config, ResumePolicy policy) {
  try {
    const RunFolder folder(config, policy);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(RunFolder, LookingMakesNothingAndBeginningMakesTheConfig) {
  const TempFolder temp;
  const fs::path output = temp.path() / "a" / "run";
  RunFolder folder(config_for(output), ResumePolicy::kAuto);
  EXPECT_EQ(folder.state(), RunFolderState::kNew);
  EXPECT_FALSE(fs::exists(temp.path() / "a"));
  folder.begin();
  EXPECT_TRUE(fs::exists(output / "config.yaml"));
}

TEST(RunFolder, TellsAStoppedRunFromADoneOne) {
  const TempFolder temp;
  const TrainConfig config = config_for(temp.path() / "run");
  RunFolder(config, ResumePolicy::kAuto).begin();
  EXPECT_EQ(RunFolder(config, ResumePolicy::kAuto).state(), RunFolderState::kContinue);
  temp.write("run/run.json", R"({"status": "done"})");
  EXPECT_EQ(RunFolder(config, ResumePolicy::kAuto).state(), RunFolderState::kDone);
  EXPECT_THAT(error_of(config, ResumePolicy::kNever), HasSubstr("--resume is never"));
}

TEST(RunFolder, AnotherConfigIsAUsageErrorThatNamesTheKeys) {
  const TempFolder temp;
  TrainConfig config = config_for(temp.path() / "run");
  RunFolder(config, ResumePolicy::kAuto).begin();
  config.train.epochs = 3;
  config.data.seed = 1;
  try {
    const RunFolder folder(config, ResumePolicy::kAuto);
    FAIL() << "was taken";
  } catch (const UsageError& error) {
    ASSERT_EQ(error.faults().size(), 2U);
    EXPECT_THAT(error.faults()[0], HasSubstr("'data.seed' is '42' in the run that is there, '1'"));
    EXPECT_THAT(error.faults()[1], HasSubstr("'train.epochs' is '10'"));
  }
}

TEST(RunFolder, AMovedRunContinues) {
  const TempFolder temp;
  RunFolder(config_for(temp.path() / "run"), ResumePolicy::kAuto).begin();
  fs::rename(temp.path() / "run", temp.path() / "moved");
  EXPECT_EQ(RunFolder(config_for(temp.path() / "moved"), ResumePolicy::kAuto).state(),
            RunFolderState::kContinue);
}

TEST(RunFolder, ForeignFilesAndFoldersAreLeftAlone) {
  const TempFolder temp;
  temp.write("full/notes.txt", "mine");
  temp.write("file", "mine");
  EXPECT_THAT(error_of(config_for(temp.path() / "full"), ResumePolicy::kAuto),
              HasSubstr("is no run of sft"));
  EXPECT_THAT(error_of(config_for(temp.path() / "file"), ResumePolicy::kAuto),
              HasSubstr("is no run of sft"));
  EXPECT_THAT(error_of(config_for(temp.path() / "file" / "run"), ResumePolicy::kAuto),
              HasSubstr("is no folder"));
}

TEST(RunFolder, IsHeldByOneAtATime) {
  const TempFolder temp;
  const TrainConfig config = config_for(temp.path() / "run");
  RunFolder first(config, ResumePolicy::kAuto);
  first.begin();
  EXPECT_THAT(error_of(config, ResumePolicy::kAuto), HasSubstr("another process is at work"));
}

StepMetrics metrics_of(int64_t step) {
  StepMetrics metrics;
  metrics.step = step;
  metrics.loss = 0.1;
  return metrics;
}

TEST(MetricsLog, CutsWhatCameAfterTheStateAndTheTornLine) {
  const TempFolder temp;
  const fs::path path = temp.path() / "metrics.jsonl";
  {
    MetricsLog log(path, 0);
    for (int64_t step = 1; step <= 4; ++step) {
      log.append(metrics_of(step));
    }
  }
  const std::string whole = read_whole_file(path);
  temp.write("metrics.jsonl", whole + "{\"step\": 5, \"ep");
  MetricsLog(path, 2).append(metrics_of(3));
  const std::string cut = read_whole_file(path);
  EXPECT_EQ(cut, whole.substr(0, cut.size()));
  EXPECT_EQ(std::count(cut.begin(), cut.end(), '\n'), 3);
}

TEST(MetricsLog, MissingLinesAreAnError) {
  const TempFolder temp;
  temp.write("metrics.jsonl", "{}\n");
  EXPECT_THROW(MetricsLog(temp.path() / "metrics.jsonl", 2), Error);
}

// The checksums are those of a Python script of ten lines, which gives CRC-32C's check value
// e3069283 for "123456789".
TEST(TensorboardLog, WritesTheFramingOfTfRecord) {
  const TempFolder temp;
  {
    TensorboardLog log(temp.path() / "tensorboard", 1.0, 1);
    log.scalar("train/loss", 1, 2.0, 0.5F);
  }
  const auto file = *fs::directory_iterator(temp.path() / "tensorboard");
  const std::string bytes = read_whole_file(file.path());
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof(length));
  EXPECT_EQ(length, 26U);  // time 9, step 2, file version 15
  uint32_t length_crc = 0;
  uint32_t data_crc = 0;
  std::memcpy(&length_crc, bytes.data() + 8, sizeof(length_crc));
  std::memcpy(&data_crc, bytes.data() + 12 + length, sizeof(data_crc));
  EXPECT_EQ(length_crc, 0x2DD89B12U);
  EXPECT_EQ(data_crc, 0x924E31CCU);
  EXPECT_THAT(bytes, HasSubstr("brain.Event:2"));
  EXPECT_THAT(bytes, HasSubstr("train/loss"));
}

}  // namespace
}  // namespace sft
