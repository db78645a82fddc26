#include "eval/code_scorers.h"

namespace sft {
namespace {

// The study's seconds. Its MBPP is given 10, of which the program has all but the last.
constexpr double kHumanEvalSeconds = 3;
constexpr double kMbppSeconds = 9;

// The prompt is the function's head; the answer goes on from there. The tests are a function
// `check` of the function.
Program make_humaneval(const Extraction& extraction, const Question& question) {
  return {.code = column_text(question.columns, "prompt") + extraction.text,
          .tests = column_text(question.columns, "test"),
          .check = "check",
          .entry = column_text(question.columns, "entry_point"),
          .seconds = kHumanEvalSeconds};
}

Program make_mbpp(const Extraction& extraction, const Question& question) {
  return {.code = extraction.text,
          .tests = question.reference,
          .check = {},
          .entry = {},
          .seconds = kMbppSeconds};
}

Program make_mbpp_with_imports(const Extraction& extraction, const Question& question) {
  Program program = make_mbpp(extraction, question);
  program.tests = column_text(question.columns, "test_imports") + "\n" + program.tests;
  return program;
}

// By ProgramEnd.
constexpr OutcomeNames kHumanEvalOutcomes = {"passed", "failed", "failed", "timed out"};
constexpr OutcomeNames kMbppOutcomes = {"pass", "wrong_answer", "failed", "timeout"};

}  // namespace

const CodeRule kHumanEvalTests = {.make = make_humaneval, .outcomes = kHumanEvalOutcomes};
const CodeRule kMbppTests = {.make = make_mbpp, .outcomes = kMbppOutcomes};
const CodeRule kMbppTestsWithImports = {.make = make_mbpp_with_imports, .outcomes = kMbppOutcomes};

}  // namespace sft
