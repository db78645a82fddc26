#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sft/io/json.h"

namespace sft {

// One question with what became of it: a line of samples/<task>_<shots>shot.jsonl. Responses that
// were given from outside have no prompt, no token counts and no finish.
struct SampleRecord {
  std::string id;
  std::optional<std::string> prompt;
  std::string response;
  std::string extracted;
  std::string reference;
  std::vector<std::string> references;  // where several are right; then "reference" is their list
  double score = 0;                     // 0-1
  std::optional<int64_t> prompt_tokens;
  std::optional<int64_t> response_tokens;  // the end token included
  std::optional<std::string> finish;       // "eos", "stop", "length", "context"
  std::string outcome = {};  // of the program that the response is: "pass"; "" where none is run
  // The strict reading of the same response, where the task has one.
  struct Strict {
    std::string extracted;
    double score = 0;
    std::string outcome = {};
  };
  std::optional<Strict> strict;
  std::vector<double> choice_logprobs;  // in nats, of each choice; empty where none were asked for
  // The model's answers to the turns before the last, of questions in several.
  std::vector<std::string> earlier_responses = {};
  // What a judge said of the response: under which prompt, and what was read out of it, if
  // anything.
  struct Verdict {
    std::string name;
    std::string text;
    std::optional<double> value;
  };
  std::vector<Verdict> verdicts = {};
};

// Keys in the order above; the last are "outcome", "strict_extracted", "strict_score",
// "strict_outcome", "choice_logprobs", "earlier_responses" and "verdicts" ([{"name", "text",
// "value"}, ...]), where there are any.
Json to_json(const SampleRecord& sample);
// Throws Error that begins with `where` for what is no such line.
SampleRecord sample_from_json(const Json& json, const std::string& where);

}  // namespace sft
