#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "sft/eval/judge.h"

namespace sft {

class KeyedRows;

// A judge that remembers: what was asked of the same endpoint, model, prompts and settings before
// is answered from a file, the rest asked and kept as it comes, so that a run which ends in the
// middle loses no reply. Failures are not kept. What is asked twice in one call is asked once.
//
// The file, <folder>/<first 32 digits of SHA-256 of endpoint and model>.jsonl, is only ever
// appended to:
//
//   {"key": SHA-256 in hex, "text": TEXT, "first_token": [[TOKEN, LOGPROB], ...],
//    "prompt_tokens": N, "reply_tokens": N}
//
// Borrows the judge.
class CachedJudge final : public JudgeModel {
 public:
  CachedJudge(JudgeModel& judge, const std::string& url, const std::filesystem::path& folder);
  ~CachedJudge() override;
  CachedJudge(const CachedJudge&) = delete;
  CachedJudge& operator=(const CachedJudge&) = delete;

  const std::string& name() const override { return judge_.name(); }
  std::vector<JudgeReply> ask(std::span<const JudgeCall> calls, const OnReply& on_reply) override;

 private:
  JudgeModel& judge_;
  std::unique_ptr<KeyedRows> rows_;
};

}  // namespace sft
