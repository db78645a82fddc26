// Scoring without a model: see score_given_responses in evaluator.h.

#include <map>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/eval/evaluator.h"
#include "sft/io/file.h"
#include "sft/io/jsonl.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

// Ids are text; a plain number is taken for its text.
std::string read_id(const JsonlReader::Row& row) {
  const Json id = json_member<Json>(row.value, "id", row.where);
  if (id.is_number_integer()) {
    return id.dump();
  }
  return json_member<std::string>(row.value, "id", row.where);
}

std::map<std::string, size_t> index_questions(const TaskData& data) {
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < data.questions.size(); ++i) {
    index.emplace(data.questions[i].id, i);
  }
  return index;
}

// The responses by the place of their question in the task's file.
std::map<size_t, Response> read_responses(const Benchmark& benchmark,
                                          const std::filesystem::path& path) {
  const std::map<std::string, size_t> index = index_questions(*benchmark.data);
  std::map<size_t, Response> responses;
  JsonlReader reader(path);
  while (const std::optional<JsonlReader::Row> row = reader.next()) {
    const std::string id = read_id(*row);
    const auto found = index.find(id);
    if (found == index.end()) {
      throw Error(fmt::format("{}: no question '{}' in {} (ids are from '{}' to '{}')", row->where,
                              id, benchmark.task.spec.name, benchmark.data->questions.front().id,
                              benchmark.data->questions.back().id));
    }
    Response response{.text = json_member<std::string>(row->value, "response", row->where),
                      .generation = std::nullopt};
    if (!responses.emplace(found->second, std::move(response)).second) {
      throw Error(fmt::format("{}: a second response to question '{}'", row->where, id));
    }
  }
  if (responses.empty()) {
    throw Error(path.string() + ": holds no responses");
  }
  return responses;
}

}  // namespace

TaskOutcome score_given_responses(const Benchmark& benchmark, const std::filesystem::path& path) {
  SFT_CHECK(benchmark.data.has_value());
  std::vector<Question> questions;
  std::vector<Response> responses;
  for (auto& [place, response] : read_responses(benchmark, path)) {
    questions.push_back(benchmark.data->questions[place]);
    responses.push_back(response);
  }
  TaskOutcome outcome = score_task(benchmark.task, questions, responses);
  outcome.entry.n_total = benchmark.data->num_in_file;
  outcome.entry.is_partial = benchmark.data->is_partial;
  outcome.entry.settings = {{"responses_sha256", sha256_hex(read_file(path))}};
  return outcome;
}

}  // namespace sft
