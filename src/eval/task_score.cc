#include "sft/eval/task_score.h"

#include <algorithm>
#include <map>

#include "eval/outcome_parts.h"
#include "eval/reading.h"

#include "sft/core/error.h"
#include "sft/results/statistics.h"

namespace sft {
namespace {

constexpr double kPercent = 100;

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
  std::vector<QuestionValue> values;
  values.reserve(questions.size());
  for (size_t i = 0; i < questions.size(); ++i) {
    values.push_back({.question = &questions[i], .value = scores[i]});
  }
  std::vector<std::pair<std::string, double>> result = facet_means(task, values, kPercent);
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

MetricValue metric_value(const std::string& metric, const Estimated& score) {
  return {.metric = metric, .score = score.mean, .standard_error = score.standard_error};
}

// The place of the largest value, the first of equals.
size_t largest(const std::vector<double>& values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

size_t likeliest(const std::vector<ChoiceScore>& choices) {
  std::vector<double> values;
  values.reserve(choices.size());
  for (const ChoiceScore& choice : choices) {
    values.push_back(choice.logprob);
  }
  return largest(values);
}

size_t likeliest_per_character(const std::vector<ChoiceScore>& choices) {
  std::vector<double> values;
  values.reserve(choices.size());
  for (const ChoiceScore& choice : choices) {
    values.push_back(choice.logprob / std::max(1.0, choice.num_characters));
  }
  return largest(values);
}

std::string letter(size_t place) {
  return std::string(1, static_cast<char>('A' + place));
}

SampleRecord make_sample(const Question& question, const Response& response,
                         const Reading::Result& study) {
  SampleRecord sample;
  sample.id = question.id;
  sample.extracted = study.extraction.text;
  sample.reference = question.reference;
  sample.references = question.references;
  sample.score = study.score;
  sample.outcome = study.outcome;
  for (const ChoiceScore& choice : response.choices) {
    sample.choice_logprobs.push_back(choice.logprob);
  }
  return sample;
}

// A task's responses, read and scored.
class TaskReader {
 public:
  explicit TaskReader(const TaskChoice& task) : task_(task) {
    outcome_.entry = new_entry(task);
    if (task.shot.request == RequestKind::kGenerate) {
      SFT_CHECK(task.spec.study.has_value());  // read_task demands it
      study_.emplace(*task.spec.study);
      if (task.spec.strict) {
        strict_.emplace(*task.spec.strict);
      }
    }
  }

  void read(std::span<const Question> questions, std::span<const Response> responses,
            const CodeRuns& code) {
    for (size_t i = 0; study_ && i < questions.size(); ++i) {
      study_->read(questions[i], responses[i].text);
      if (strict_) {
        strict_->read(questions[i], responses[i].text);
      }
    }
    run_programs(code);
    for (size_t i = 0; i < questions.size(); ++i) {
      add(questions[i], responses[i], i);
    }
  }

  TaskOutcome take(std::span<const Question> questions) {
    const TaskSpec& spec = task_.spec;
    ResultEntry& entry = outcome_.entry;
    const auto value = [&](const std::string& metric, const std::vector<double>& scores) {
      return metric_value(metric, average(spec, questions, scores));
    };
    entry.n = static_cast<int64_t>(questions.size());
    entry.value = value(spec.metric, scores_);
    if (strict_) {
      entry.strict = value(spec.metric, strict_scores_);
    }
    if (has_choices_) {
      entry.likelihood = {.accuracy = value("accuracy", likeliest_scores_),
                          .accuracy_norm = value("accuracy_norm", normalized_scores_)};
    }
    if (study_) {
      entry.outcomes = study_->outcomes();
    }
    entry.subscores = subscores(spec, questions, scores_);
    return std::move(outcome_);
  }

 private:
  // The programs of both readings in one go: many are the same.
  void run_programs(const CodeRuns& code) {
    std::vector<Reading*> readings;
    std::vector<Program> programs;
    for (std::optional<Reading>* const reading : {&study_, &strict_}) {
      if (*reading && !(*reading)->programs().empty()) {
        readings.push_back(&**reading);
        programs.insert(programs.end(), (*reading)->programs().begin(),
                        (*reading)->programs().end());
      }
    }
    if (programs.empty()) {
      return;
    }
    SFT_CHECK(code.runner != nullptr);
    const std::vector<ProgramEnd> ends = code.runner->run(programs, code.on_done);
    std::span<const ProgramEnd> left = ends;
    for (Reading* const reading : readings) {
      reading->settle(left.first(reading->programs().size()));
      left = left.subspan(reading->programs().size());
    }
  }

  void add(const Question& question, const Response& response, size_t place) {
    const Reading::Result study =
        study_ ? study_->results()[place] : read_likeliest(question, response);
    scores_.push_back(study.score);
    outcome_.entry.num_unparsed += study.extraction.is_found ? 0 : 1;
    SampleRecord sample = make_sample(question, response, study);
    add_response(response, task_.shot.request, sample, outcome_.entry);
    if (strict_) {
      const Reading::Result& strict = strict_->results()[place];
      strict_scores_.push_back(strict.score);
      sample.strict = {
          .extracted = strict.extraction.text, .score = strict.score, .outcome = strict.outcome};
    }
    read_choices(question, response);
    outcome_.samples.push_back(std::move(sample));
  }

  static Reading::Result read_likeliest(const Question& question, const Response& response) {
    if (response.choices.empty()) {
      return {};
    }
    const size_t place = likeliest(response.choices);
    return {.extraction = {.text = letter(place), .is_found = true},
            .score = place == question.right_choice() ? 1.0 : 0.0,
            .outcome = {}};
  }

  void read_choices(const Question& question, const Response& response) {
    const auto score = [&](size_t (*choose)(const std::vector<ChoiceScore>& choices)) {
      const bool is_right =
          !response.choices.empty() && choose(response.choices) == question.right_choice();
      return is_right ? 1.0 : 0.0;
    };
    has_choices_ = has_choices_ || !response.choices.empty();
    likeliest_scores_.push_back(score(likeliest));
    normalized_scores_.push_back(score(likeliest_per_character));
  }

  const TaskChoice& task_;
  std::optional<Reading> study_;
  std::optional<Reading> strict_;
  TaskOutcome outcome_;
  std::vector<double> scores_;
  std::vector<double> strict_scores_;
  std::vector<double> likeliest_scores_;
  std::vector<double> normalized_scores_;
  bool has_choices_ = false;
};

}  // namespace

bool Generation::is_cut_off() const {
  return !is_over_long &&
         (has_cut_turn || finish == FinishReason::kLength || finish == FinishReason::kContext);
}

TaskOutcome score_task(const TaskChoice& task, std::span<const Question> questions,
                       std::span<const Response> responses, const CodeRuns& code) {
  SFT_CHECK(!questions.empty() && questions.size() == responses.size());
  TaskReader reader(task);
  reader.read(questions, responses, code);
  return reader.take(questions);
}

}  // namespace sft
