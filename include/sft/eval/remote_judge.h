#pragma once

#include <functional>
#include <memory>
#include <string>

#include "sft/eval/judge.h"
#include "sft/io/http_client.h"

namespace sft {

// Where a judge is and how it may be asked.
struct JudgeSettings {
  std::string url;  // of the API, as in https://host/v1, or of its chat/completions
  std::string key;  // sent to that host alone and never told; "": none
  std::string model;
  int num_parallel = 8;
  double requests_per_minute = 0;  // 0: no limit
  int most_tries = 6;
  double first_pause_seconds = 1;  // doubled with each try, unless the judge asks for more
  // Asked a few times a second; where it says so, the work ends with Interrupted.
  std::function<bool()> is_stopped = nullptr;
};

// The address of chat completions below a base URL: "https://host" and "https://host/v1" both give
// "https://host/v1/chat/completions"; a query stays at the end. Throws UsageError.
std::string chat_completions_url(const std::string& base);

// A judge behind any OpenAI-compatible endpoint, asked over several connections at once. Calls that
// meet 429, 408, 5xx, a cut connection or an answer that is none are tried again after a pause,
// during which, where the judge asked for it (Retry-After), no call is made at all. Throws
// UsageError for settings that cannot work.
class RemoteJudge final : public JudgeModel {
 public:
  // Makes the client of one connection; `is_cancelled` may be asked from any thread.
  using MakeClient = std::function<std::unique_ptr<HttpClient>(std::function<bool()> is_cancelled)>;
  explicit RemoteJudge(JudgeSettings settings);
  RemoteJudge(JudgeSettings settings, MakeClient make_client);

  const std::string& name() const override { return settings_.model; }
  std::vector<JudgeReply> ask(std::span<const JudgeCall> calls, const OnReply& on_reply) override;

 private:
  JudgeSettings settings_;
  std::string url_;
  MakeClient make_client_;
};

}  // namespace sft
