#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sft/eval/judge.h"

namespace sft {

// Replies to each call what `reply` says. Keeps the calls.
class FakeJudge final : public JudgeModel {
 public:
  using Reply = std::function<JudgeReply(const JudgeCall& call)>;
  explicit FakeJudge(Reply reply) : reply_(std::move(reply)) {}

  const std::string& name() const override { return name_; }
  std::vector<JudgeReply> ask(std::span<const JudgeCall> calls, const OnReply& on_reply) override {
    std::vector<JudgeReply> replies;
    for (const JudgeCall& call : calls) {
      seen.push_back(call);
      replies.push_back(reply_(call));
      on_reply(replies.size() - 1, replies.back());
    }
    return replies;
  }

  std::vector<JudgeCall> seen;

 private:
  std::string name_ = "fake";
  Reply reply_;
};

inline JudgeReply says(const std::string& text, std::vector<TokenLogprob> first_token = {}) {
  JudgeReply reply;
  reply.text = text;
  reply.first_token = std::move(first_token);
  reply.prompt_tokens = 100;
  reply.reply_tokens = 10;
  return reply;
}

inline void ignore_reply(size_t /*call*/, const JudgeReply& /*reply*/) {}

}  // namespace sft
