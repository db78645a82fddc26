#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sft/eval/cached_judge.h"
#include "sft/eval/remote_judge.h"

namespace CLI {
class App;
}

namespace sft {

// How judges are asked. Which judge it is says the environment: SFT_JUDGE_URL, SFT_JUDGE_MODEL (the
// study's where there is none), SFT_JUDGE_KEY.
struct JudgeOptions {
  int num_parallel = 8;
  double requests_per_minute = 0;  // 0: no limit
  std::string price;               // "IN,OUT", dollars for a million tokens; "": SFT_JUDGE_PRICE
};

void define_judge_flags(CLI::App& app, JudgeOptions& options);

// Whether SFT_JUDGE_URL is set.
bool is_judge_configured();

// The judge that the environment names, which remembers in $SFT_HOME/judgements.
class ConfiguredJudge {
 public:
  enum class Memory { kKept, kNone };
  // Throws UsageError for settings that cannot work. `is_stopped` ends its work.
  ConfiguredJudge(const JudgeOptions& options, Memory memory, std::function<bool()> is_stopped);

  JudgeModel& model() { return cached_ ? static_cast<JudgeModel&>(*cached_) : *remote_; }

 private:
  std::unique_ptr<RemoteJudge> remote_;
  std::unique_ptr<CachedJudge> cached_;
};

// "160 calls, 40 of them remembered; 52.1k tokens in, 12.3k out, $0.25"; the price where it is
// known. Throws UsageError for a price that is none.
std::string describe_usage(const JudgeUsage& usage, const JudgeOptions& options);

}  // namespace sft
