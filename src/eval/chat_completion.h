#pragma once

#include <string>

#include "sft/eval/judge.h"

namespace sft {

// The body of a request for a chat completion, OpenAI's format:
//
//   {"model", "messages": [{"role": "system" | "user", "content"}, ...], "temperature",
//    "max_tokens", "logprobs": true, "top_logprobs": N}
std::string chat_request_body(const std::string& model, const JudgeCall& call);

// What the answer's body says:
//
//   {"choices": [{"message": {"content"}, "logprobs": {"content": [{"top_logprobs":
//    [{"token", "logprob"}, ...]}, ...]}}], "usage": {"prompt_tokens", "completion_tokens"}}
//
// Content that is null is an empty text; logprobs and usage may be missing or null. Throws Error
// for what is no such thing.
JudgeReply parse_chat_reply(const std::string& body);

}  // namespace sft
