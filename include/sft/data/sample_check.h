#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "sft/data/sample.h"
#include "sft/text/template.h"
#include "sft/text/tokenizer.h"

namespace sft {

// How often something was found, and the first places.
struct Finding {
  int64_t count = 0;
  std::vector<std::string> examples;

  void add(std::string example);
};

// What looks wrong in the samples of a set, one after another. Calls: add* finish.
class SampleCheck {
 public:
  SampleCheck(const Template& layout, const Tokenizer& tokenizer);

  void add(const Sample& sample);
  // Those in another language than most of the set; to be called once, at the end.
  Finding other_languages() const;

  int64_t samples = 0;
  Finding duplicates;             // equal to an earlier one in every turn
  Finding repeated_instructions;  // the first instruction of an earlier one, another answer
  Finding template_in_response;   // a line of the template's own text: the model learns to go on
                                  // with a question of its own
  Finding template_in_instruction;
  Finding special_tokens;  // text that is read as a special token, the end token say
  std::map<std::string, Finding> languages;  // by guess_language, where it says something

 private:
  std::string found_in(const std::string& text, const std::vector<std::string>& marks) const;

  std::vector<std::string> template_marks_;
  std::vector<std::string> special_texts_;
  std::unordered_set<uint64_t> instructions_;
};

}  // namespace sft
