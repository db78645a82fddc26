#include "sft/eval/evaluation_folder.h"

#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/jsonl.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAnswers = "answers";

std::string file_name(const std::string& task, int64_t shots) {
  return fmt::format("{}_{}shot.jsonl", task, shots);
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

// Makes the folder with its parents, and removes again those that were not there: nothing is left
// behind where what comes next fails.
void check_can_be_made(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> missing;
  for (fs::path part = folder; !part.empty() && !is_there(part); part = part.parent_path()) {
    missing.push_back(part);
  }
  fs::create_directories(folder, error);
  for (const fs::path& part : missing) {
    std::error_code ignored;
    fs::remove(part, ignored);  // only where it is empty
  }
  if (error) {
    throw Error(fmt::format("{}: cannot be made: {}; choose another --output", folder.string(),
                            error.message()));
  }
}

}  // namespace

EvaluationFolder::EvaluationFolder(std::filesystem::path path, const ModelIdentity& model,
                                   const std::string& template_name)
    : path_(std::move(path)), table_(ResultTable::open(results_path(), model, template_name)) {}

void EvaluationFolder::add(const TaskOutcome& outcome, double seconds) {
  const std::string name = file_name(outcome.entry.task, outcome.entry.shots);
  JsonlWriter samples(path_ / "samples" / name);
  for (const SampleRecord& sample : outcome.samples) {
    samples.write(to_json(sample));
  }
  samples.commit();
  save_timing(outcome, seconds);
  table_.put(outcome.entry);
  table_.save(results_path());
  std::error_code ignored;
  fs::remove(path_ / kAnswers / name, ignored);
  fs::remove(path_ / kAnswers, ignored);  // only where it is empty
}

fs::path EvaluationFolder::keep_answers(const Benchmark& benchmark,
                                        const std::vector<Response>& responses) const {
  fs::path path = path_ / kAnswers / file_name(benchmark.task.spec.name, benchmark.task.shot.shots);
  JsonlWriter answers(path);
  for (size_t i = 0; i < responses.size(); ++i) {
    Json row = {{"id", benchmark.data->questions.at(i).id}, {"response", responses[i].text}};
    if (!responses[i].earlier.empty()) {
      row["earlier_responses"] = responses[i].earlier;
    }
    answers.write(row);
  }
  answers.commit();
  return path;
}

void EvaluationFolder::add_missing(const TaskChoice& task, const std::string& file) {
  ResultEntry entry;
  entry.task = task.spec.name;
  entry.shots = task.shot.shots;
  entry.missing_file = file;
  table_.put(std::move(entry));
  table_.save(results_path());
}

void EvaluationFolder::save_timing(const TaskOutcome& outcome, double seconds) const {
  const std::filesystem::path path = path_ / "timing.json";
  Json timing = std::filesystem::exists(path) ? read_json(path) : Json::object();
  int64_t prompt_tokens = 0;
  int64_t response_tokens = 0;
  for (const SampleRecord& sample : outcome.samples) {
    prompt_tokens += sample.prompt_tokens.value_or(0);
    response_tokens += sample.response_tokens.value_or(0);
  }
  Json& entry = timing[fmt::format("{}:{}", outcome.entry.task, outcome.entry.shots)];
  entry = {{"seconds", seconds},
           {"questions", outcome.entry.n},
           {"prompt_tokens", prompt_tokens},
           {"response_tokens", response_tokens}};
  if (outcome.judge_usage) {
    entry["judge"] = {{"asked", outcome.judge_usage->num_asked},
                      {"remembered", outcome.judge_usage->num_remembered},
                      {"failed", outcome.judge_usage->num_failed},
                      {"prompt_tokens", outcome.judge_usage->prompt_tokens},
                      {"reply_tokens", outcome.judge_usage->reply_tokens}};
  }
  write_file(path, dump_json(timing, JsonLayout::kIndented));
}

void check_evaluation_folder(const std::filesystem::path& path) {
  const std::filesystem::path results = path / "results.json";
  if (is_there(results)) {
    ResultTable::from_json(read_json(results), results.string());
  }
  const std::filesystem::path timing = path / "timing.json";
  if (is_there(timing) && !read_json(timing).is_object()) {
    throw Error(timing.string() + ": is no JSON object; remove it, or choose another --output");
  }
  check_can_be_made(path / "samples");
}

}  // namespace sft
