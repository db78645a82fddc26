#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sft/eval/scorer.h"

namespace sft {

// One way of reading and scoring the responses of a task. Calls match (Read)* Settle, and results
// are whole after that.
class Reading {
 public:
  // Throws UsageError where the task's file names an unknown scorer.
  explicit Reading(const ReadingSpec& spec);

  struct Result {
    Extraction extraction;
    double score = 0;
    std::string outcome;  // of a program; "" where none is run
  };

  // Reads the response to a question; scores it unless a program decides.
  void read(const Question& question, const std::string& response);

  // The programs that decide, one a response; none where the scorer runs none.
  const std::vector<Program>& programs() const { return programs_; }
  // Takes how they came out, in the same order.
  void settle(std::span<const ProgramEnd> ends);

  const std::vector<Result>& results() const { return results_; }
  std::vector<double> scores() const;
  // How often each outcome came, zeros too; empty where no programs are run.
  std::vector<std::pair<std::string, int64_t>> outcomes() const;

 private:
  Extractor extractor_;
  const ScorerRow& scorer_;
  std::vector<Result> results_;
  std::vector<Program> programs_;
};

}  // namespace sft
