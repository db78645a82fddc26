#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sft/core/error.h"

namespace sft {

// One thing asked of a judge.
struct JudgeCall {
  std::string system;
  std::string user;
  double temperature = 0;
  int64_t max_tokens = 0;
  int64_t top_logprobs = 0;  // of the first token of the reply; 0: none
};

struct TokenLogprob {
  std::string token;
  double logprob = 0;  // in nats
};

struct JudgeReply {
  std::string text;
  std::vector<TokenLogprob> first_token;  // the likeliest; empty where the judge does not tell
  // As the judge counts them; -1: it does not say.
  int64_t prompt_tokens = -1;
  int64_t reply_tokens = -1;
  std::string failure;  // why there is no reply, on one line; "": there is one
  bool is_remembered = false;
};

// What calls came to.
struct JudgeUsage {
  int64_t num_asked = 0;
  int64_t num_remembered = 0;
  int64_t num_failed = 0;
  // Of the calls that were asked now.
  int64_t prompt_tokens = 0;
  int64_t reply_tokens = 0;
  bool is_complete = true;  // every reply said its tokens

  void add(const JudgeReply& reply);
};

// The judge cannot be asked at all, or answers nothing that can be used: what it scores stays
// unscored, while other work may go on.
class JudgeError : public Error {
 public:
  using Error::Error;
};

// A model that is asked about others' answers. A call that cannot be answered (too long, say) has a
// reply with its failure; where the judge is down, refuses the key, or fails every call, JudgeError
// is thrown. `on_reply` is called on the caller's thread, once a call, in no order; what it throws
// ends the work.
class JudgeModel {
 public:
  virtual ~JudgeModel() = default;

  virtual const std::string& name() const = 0;
  using OnReply = std::function<void(size_t call, const JudgeReply& reply)>;
  virtual std::vector<JudgeReply> ask(std::span<const JudgeCall> calls,
                                      const OnReply& on_reply) = 0;
};

}  // namespace sft
