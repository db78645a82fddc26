#include "sft/eval/evaluation_folder.h"

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/jsonl.h"

namespace sft {

EvaluationFolder::EvaluationFolder(std::filesystem::path path, const ModelIdentity& model,
                                   const std::string& template_name)
    : path_(std::move(path)), table_(ResultTable::open(results_path(), model, template_name)) {}

void EvaluationFolder::add(const TaskOutcome& outcome, double seconds) {
  const std::string name = fmt::format("{}_{}shot.jsonl", outcome.entry.task, outcome.entry.shots);
  JsonlWriter samples(path_ / "samples" / name);
  for (const SampleRecord& sample : outcome.samples) {
    samples.write(to_json(sample));
  }
  samples.commit();
  save_timing(outcome, seconds);
  table_.put(outcome.entry);
  table_.save(results_path());
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
  timing[fmt::format("{}:{}", outcome.entry.task, outcome.entry.shots)] = {
      {"seconds", seconds},
      {"questions", outcome.entry.n},
      {"prompt_tokens", prompt_tokens},
      {"response_tokens", response_tokens}};
  write_file(path, dump_json(timing, JsonLayout::kIndented));
}

void check_evaluation_folder(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path / "samples", error);
  if (error) {
    throw Error(fmt::format("{}: cannot be made: {}; choose another --output",
                            (path / "samples").string(), error.message()));
  }
  const std::filesystem::path results = path / "results.json";
  if (std::filesystem::exists(std::filesystem::symlink_status(results))) {
    ResultTable::from_json(read_json(results), results.string());
  }
}

}  // namespace sft
