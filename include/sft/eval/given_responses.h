#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sft/eval/evaluator.h"

namespace sft {

// Where a benchmark's questions are, by their ids.
class QuestionPlaces {
 public:
  explicit QuestionPlaces(const Benchmark& benchmark);  // borrowed

  // Throws Error that begins with `where` for an id that the task has not.
  size_t of_id(const std::string& id, const std::string& where) const;

 private:
  const Benchmark& benchmark_;
  std::map<std::string, size_t> by_id_;
};

// A row's id, which is text; a whole number is taken for its text.
std::string id_text(const Json& row, const std::string& key, const std::string& where);

// Responses that were given, by anyone, with their questions in the task's order.
struct GivenResponses {
  std::vector<Question> questions;
  std::vector<Response> responses;
  std::string sha256;  // of the file; of a folder, of the names and hashes of its files
};

// Reads what `path` is, one of
//
//   JSON Lines of {"id", "response"}, such as a file under samples/; of a question in several turns
//   a list of texts, or the last with "earlier_responses"
//   a file of predictions of OpenCompass, {"0": {"prediction"}, ...}, or the folder of them
//   a log of samples of lm-evaluation-harness, JSON Lines of {"doc_id", "resps"}, or the folder of
//   them; log-probabilities of choices are taken where it holds these
//
// Numbers of the latter two count the task's questions, those of a task with groups inside the
// group that the file's name holds. Other fields are ignored; only the questions that are there
// count. Throws Error with path:line for a line without them, an id that the task has not, or one
// that comes twice, and where there are none.
GivenResponses read_given_responses(const Benchmark& benchmark, const std::filesystem::path& path);

// Scores such responses by the task's rules; a task that runs programs needs what runs them.
TaskOutcome score_given_responses(const Benchmark& benchmark, const std::filesystem::path& path,
                                  const CodeRunner* code_runner = nullptr);

}  // namespace sft
