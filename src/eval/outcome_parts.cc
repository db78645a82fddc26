#include "eval/outcome_parts.h"

#include <map>

#include <fmt/format.h>

#include "sft/results/statistics.h"
#include "sft/tasks/python_text.h"

namespace sft {

ResultEntry new_entry(const TaskChoice& task) {
  ResultEntry entry;
  entry.task = task.spec.name;
  entry.shots = task.shot.shots;
  entry.version = task.spec.version;
  entry.is_verified = task.spec.is_verified;
  return entry;
}

void add_extent(const Benchmark& benchmark, ResultEntry& entry) {
  entry.n_total = benchmark.data->num_in_file;
  entry.is_partial = benchmark.data->is_partial;
}

void add_response(const Response& response, RequestKind request, SampleRecord& sample,
                  ResultEntry& entry) {
  const bool is_generated = request == RequestKind::kGenerate;
  sample.response = response.text;
  sample.earlier_responses = response.earlier;
  entry.num_empty += is_generated && python_strip(response.text).empty() ? 1 : 0;
  if (!response.generation) {
    return;
  }
  const Generation& generation = *response.generation;
  sample.prompt = generation.prompt;
  sample.prompt_tokens = generation.prompt_tokens;
  sample.response_tokens = generation.response_tokens;
  sample.finish = finish_name(generation.finish);
  entry.num_over_long += generation.is_over_long ? 1 : 0;
  entry.num_cut_off += is_generated && generation.is_cut_off() ? 1 : 0;
  entry.num_unlike_training += generation.is_unlike_training ? 1 : 0;
}

std::vector<std::pair<std::string, double>> facet_means(const TaskSpec& task,
                                                        std::span<const QuestionValue> values,
                                                        double scale) {
  std::vector<std::pair<std::string, double>> means;
  for (size_t facet = 0; facet < task.subscores.size(); ++facet) {
    std::map<std::string, std::vector<double>> by_value;
    for (const QuestionValue& one : values) {
      by_value[one.question->facets[facet]].push_back(one.value);
    }
    for (const auto& [value, members] : by_value) {
      means.emplace_back(fmt::format("{}/{}", task.subscores[facet].name, value),
                         scale * mean_of_values(members).mean);
    }
  }
  return means;
}

}  // namespace sft
