#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sft {

// How a conversation is laid out as text: `turn` once for each pair of instruction and response,
// `separator` between turns. {instruction} and {response} are the whole language; other braces
// stay.
struct Template {
  std::string name;
  std::string turn;  // holds {instruction} at most once and {response} exactly once, in this order
  std::string separator;
};

// A template by name (configs/templates), or by path. "none" is not known here: callers leave the
// text as it is. Throws UsageError with all faults of the file.
Template load_template(const std::string& name_or_path);

struct Turn {
  std::string instruction;
  std::string response;
};

// Bytes [begin, end) of a laid-out text.
struct TextSpan {
  size_t begin = 0;
  size_t end = 0;
};

struct LaidOutSample {
  std::string text;
  std::vector<TextSpan> responses;  // one a turn
  // Where each response's prompt ends: the template up to {response} without trailing spaces. The
  // spaces between belong to the response.
  std::vector<size_t> prompt_ends;
};
LaidOutSample lay_out_sample(const Template& layout, const std::vector<Turn>& turns);

enum class PromptEnd {
  kExact,    // keeps the template's spaces before {response}, as the study's evaluation had it
  kTrimmed,  // ends where the prompt of training ends
};
// Earlier turns in full, then the last instruction; `turns.back().response` is not looked at.
std::string lay_out_prompt(const Template& layout, const std::vector<Turn>& turns, PromptEnd end);

}  // namespace sft
