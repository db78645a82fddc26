#pragma once

#include <filesystem>
#include <string>

#include "sft/estimate/train_config.h"

namespace sft {

// What stands at a run's output path before it starts.
enum class RunFolderState {
  kNew,       // nothing
  kContinue,  // a run of this very config that was stopped or killed
  kDone,      // a finished run of this very config
};

enum class ResumePolicy { kAuto, kNever };

// A run's folder. Looking changes nothing; `begin` makes it, and from then on (at once, where it
// exists) one process at a time holds it, by a lock that ends with the process.
class RunFolder {
 public:
  // Throws UsageError naming the differing keys where a run of another config is there; Error where
  // something else is there, where another process is at work in it, where it cannot be written,
  // and for any existing run under kNever.
  RunFolder(const TrainConfig& config, ResumePolicy policy);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  // Makes a new run's folder with its config.yaml; nothing where it is there.
  void begin();

  RunFolderState state() const { return state_; }
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }

 private:
  void lock();

  std::filesystem::path path_;
  std::string config_yaml_;
  RunFolderState state_ = RunFolderState::kNew;
  int lock_descriptor_ = -1;
};

}  // namespace sft
