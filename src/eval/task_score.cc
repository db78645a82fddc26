#include "sft/eval/task_score.h"

#include <algorithm>
#include <map>

#include "sft/core/error.h"
#include "sft/eval/scorer.h"
#include "sft/results/statistics.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

constexpr double kPercent = 100;

// One way of reading the responses of a task, ready for use.
class Reading {
 public:
  explicit Reading(const ReadingSpec& spec)
      : extractor_(spec.extractor()), scorer_(find_scorer(spec)) {}

  struct Result {
    Extraction extraction;
    double score = 0;
  };
  Result read(const Question& question, const std::string& response) const {
    Result result{.extraction = extractor_(response), .score = 0};
    result.score = scorer_(result.extraction, question);
    return result;
  }

 private:
  Extractor extractor_;
  Scorer scorer_;
};

Estimated percent_of(const std::vector<double>& values) {
  const Estimated estimated = mean_of_values(values);
  return {.mean = kPercent * estimated.mean, .standard_error = kPercent * estimated.standard_error};
}

struct Group {
  std::string name;
  Estimated score;
};

// The questions' scores by group, in the order in which groups appear.
std::vector<Group> score_groups(std::span<const Question> questions,
                                const std::vector<double>& scores) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<double>> by_group;
  for (size_t i = 0; i < questions.size(); ++i) {
    std::vector<double>& values = by_group[questions[i].group];
    if (values.empty()) {
      order.push_back(questions[i].group);
    }
    values.push_back(scores[i]);
  }
  std::vector<Group> groups;
  groups.reserve(order.size());
  for (const std::string& name : order) {
    groups.push_back({.name = name, .score = percent_of(by_group[name])});
  }
  return groups;
}

// The study's average: each group's score rounded as it was published, all counting alike.
Estimated mean_of_rounded(const std::vector<Group>& groups) {
  std::vector<Estimated> rounded;
  rounded.reserve(groups.size());
  for (const Group& group : groups) {
    rounded.push_back({.mean = round_decimals(group.score.mean, 2),
                       .standard_error = group.score.standard_error});
  }
  return mean_of_groups(rounded);
}

Estimated average(const TaskSpec& task, std::span<const Question> questions,
                  const std::vector<double>& scores) {
  return task.average == Average::kGroups ? mean_of_rounded(score_groups(questions, scores))
                                          : percent_of(scores);
}

std::vector<std::pair<std::string, double>> subscores(const TaskSpec& task,
                                                      std::span<const Question> questions,
                                                      const std::vector<double>& scores) {
  std::vector<std::pair<std::string, double>> result;
  if (!task.group) {
    return result;
  }
  const std::vector<Group> groups = score_groups(questions, scores);
  if (task.average == Average::kGroups) {
    result.emplace_back("weighted", percent_of(scores).mean);
  }
  for (const Category& category : task.categories) {
    std::vector<Group> members;
    std::copy_if(groups.begin(), groups.end(), std::back_inserter(members),
                 [&category](const Group& group) {
                   return std::find(category.groups.begin(), category.groups.end(), group.name) !=
                          category.groups.end();
                 });
    if (!members.empty()) {
      result.emplace_back(category.name, mean_of_rounded(members).mean);
    }
  }
  for (const Group& group : groups) {
    result.emplace_back(group.name, group.score.mean);
  }
  return result;
}

MetricValue metric_value(const TaskSpec& task, const Estimated& score) {
  return {.metric = task.metric, .score = score.mean, .standard_error = score.standard_error};
}

void count_response(const Response& response, const Extraction& extraction, ResultEntry& entry) {
  entry.num_empty += python_strip(response.text).empty() ? 1 : 0;
  entry.num_unparsed += extraction.is_found ? 0 : 1;
  if (!response.generation) {
    return;
  }
  const Generation& generation = *response.generation;
  const bool is_cut =
      generation.finish == FinishReason::kLength || generation.finish == FinishReason::kContext;
  entry.num_over_long += generation.is_over_long ? 1 : 0;
  entry.num_cut_off += is_cut && !generation.is_over_long ? 1 : 0;
}

SampleRecord make_sample(const Question& question, const Response& response,
                         const Reading::Result& study) {
  SampleRecord sample;
  sample.id = question.id;
  sample.response = response.text;
  sample.extracted = study.extraction.text;
  sample.reference = question.reference;
  sample.score = study.score;
  if (response.generation) {
    sample.prompt = response.generation->prompt;
    sample.prompt_tokens = response.generation->prompt_tokens;
    sample.response_tokens = response.generation->response_tokens;
    sample.finish = finish_name(response.generation->finish);
  }
  return sample;
}

}  // namespace

TaskOutcome score_task(const TaskChoice& task, std::span<const Question> questions,
                       std::span<const Response> responses) {
  SFT_CHECK(!questions.empty() && questions.size() == responses.size());
  const Reading study(task.spec.study);
  std::optional<Reading> strict;
  if (task.spec.strict) {
    strict.emplace(*task.spec.strict);
  }
  TaskOutcome outcome;
  std::vector<double> scores;
  std::vector<double> strict_scores;
  for (size_t i = 0; i < questions.size(); ++i) {
    const Reading::Result result = study.read(questions[i], responses[i].text);
    scores.push_back(result.score);
    count_response(responses[i], result.extraction, outcome.entry);
    SampleRecord sample = make_sample(questions[i], responses[i], result);
    if (strict) {
      const Reading::Result strict_result = strict->read(questions[i], responses[i].text);
      strict_scores.push_back(strict_result.score);
      sample.strict = {.extracted = strict_result.extraction.text, .score = strict_result.score};
    }
    outcome.samples.push_back(std::move(sample));
  }
  outcome.entry.task = task.spec.name;
  outcome.entry.shots = task.shot.shots;
  outcome.entry.version = task.spec.version;
  outcome.entry.n = static_cast<int64_t>(questions.size());
  outcome.entry.value = metric_value(task.spec, average(task.spec, questions, scores));
  if (strict) {
    outcome.entry.strict = metric_value(task.spec, average(task.spec, questions, strict_scores));
  }
  outcome.entry.subscores = subscores(task.spec, questions, scores);
  return outcome;
}

}  // namespace sft
