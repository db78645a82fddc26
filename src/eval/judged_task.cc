#include "sft/eval/judged_task.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "eval/judge_protocol.h"
#include "eval/outcome_parts.h"

#include "sft/core/one_line.h"
#include "sft/eval/given_responses.h"
#include "sft/io/file.h"
#include "sft/io/jsonl.h"
#include "sft/io/sha256.h"
#include "sft/results/statistics.h"

namespace sft {
namespace {

constexpr size_t kMostQuotedBytes = 200;

Estimated scaled(const Estimated& estimated, double scale) {
  return {.mean = scale * estimated.mean, .standard_error = scale * estimated.standard_error};
}

// The mean of all official judgements. Those of one question are not independent of each other, so
// the error is that of the questions' means.
std::optional<Estimated> official_mean(std::span<const JudgedQuestion> judged) {
  std::vector<double> all;
  std::vector<double> of_questions;
  for (const JudgedQuestion& one : judged) {
    const std::vector<double>& values = one.judgement.official;
    all.insert(all.end(), values.begin(), values.end());
    if (!values.empty()) {
      of_questions.push_back(mean_of_values(values).mean);
    }
  }
  if (all.empty()) {
    return std::nullopt;
  }
  return Estimated{.mean = mean_of_values(all).mean,
                   .standard_error = mean_of_values(of_questions).standard_error};
}

ResultEntry make_entry(const TaskChoice& task, const JudgeProtocol& protocol,
                       std::span<const JudgedQuestion> judged) {
  ResultEntry entry = new_entry(task);
  std::vector<double> values;
  std::vector<QuestionValue> by_question;
  for (const JudgedQuestion& one : judged) {
    if (one.judgement.value) {
      values.push_back(*one.judgement.value);
      by_question.push_back({.question = &one.question, .value = *one.judgement.value});
    }
  }
  entry.n = static_cast<int64_t>(values.size());
  entry.num_unparsed = static_cast<int64_t>(judged.size() - values.size());
  const Estimated score = scaled(mean_of_values(values), protocol.scale());
  entry.value = {
      .metric = task.spec.metric, .score = score.mean, .standard_error = score.standard_error};
  if (const std::optional<Estimated> official = official_mean(judged)) {
    const Estimated strict = scaled(*official, protocol.scale());
    entry.strict = {.metric = std::string(protocol.official_metric()),
                    .score = strict.mean,
                    .standard_error = strict.standard_error};
  }
  entry.subscores = facet_means(task.spec, by_question, protocol.scale());
  protocol.add_details(judged, entry);
  return entry;
}

SampleRecord make_sample(const JudgeProtocol& protocol, const JudgedQuestion& judged) {
  SampleRecord sample;
  sample.id = judged.question.id;
  sample.reference = judged.question.reference;
  sample.verdicts = judged.judgement.verdicts;
  if (judged.judgement.value) {
    sample.extracted = fmt::format("{}", *judged.judgement.value);
    sample.score = *judged.judgement.value / protocol.largest();
  }
  const std::vector<double>& official = judged.judgement.official;
  if (!official.empty()) {
    const double mean = mean_of_values(official).mean;
    sample.strict = {.extracted = fmt::format("{}", mean), .score = mean / protocol.largest()};
  }
  return sample;
}

// The calls of all questions, and where the replies are read.
class Session {
 public:
  Session(const Benchmark& benchmark, JudgeModel& judge)
      : benchmark_(benchmark), protocol_(*benchmark.protocol), judge_(judge) {}

  TaskOutcome run(const AnsweredQuestions& answered, const JudgeModel::OnReply& on_reply) {
    SFT_CHECK(!answered.questions.empty() &&
              answered.questions.size() == answered.responses.size());
    std::vector<JudgeCall> calls;
    for (size_t i = 0; i < answered.questions.size(); ++i) {
      std::vector<JudgeCall> own = protocol_.calls(answered.questions[i], answered.responses[i]);
      num_each_ = own.size();
      std::move(own.begin(), own.end(), std::back_inserter(calls));
    }
    const std::vector<JudgeReply> replies = judge_.ask(calls, on_reply);
    SFT_CHECK(replies.size() == calls.size());
    const std::vector<JudgedQuestion> judged = read(answered, replies);
    check_sense(judged, replies);
    TaskOutcome outcome;
    outcome.entry = make_entry(benchmark_.task, protocol_, judged);
    for (size_t i = 0; i < judged.size(); ++i) {
      outcome.samples.push_back(make_sample(protocol_, judged[i]));
      add_response(answered.responses[i], benchmark_.task.shot.request, outcome.samples.back(),
                   outcome.entry);
    }
    outcome.judge_usage.emplace();
    for (const JudgeReply& reply : replies) {
      outcome.judge_usage->add(reply);
    }
    add_failures(replies, *outcome.judge_usage, outcome.entry);
    return outcome;
  }

 private:
  std::vector<JudgedQuestion> read(const AnsweredQuestions& answered,
                                   const std::vector<JudgeReply>& replies) const {
    std::vector<JudgedQuestion> judged;
    for (size_t i = 0; i < answered.questions.size(); ++i) {
      const std::span<const JudgeReply> own(replies.data() + i * num_each_, num_each_);
      judged.push_back(
          {.question = answered.questions[i],
           .judgement = protocol_.read(answered.questions[i], answered.responses[i], own)});
    }
    return judged;
  }

  // A judge of whom nothing could be read gives no score.
  void check_sense(const std::vector<JudgedQuestion>& judged,
                   const std::vector<JudgeReply>& replies) const {
    const bool has_sense = std::any_of(judged.begin(), judged.end(), [](const JudgedQuestion& one) {
      return one.judgement.value.has_value();
    });
    if (has_sense) {
      return;
    }
    const auto failed = std::find_if(replies.begin(), replies.end(), [](const JudgeReply& reply) {
      return !reply.failure.empty();
    });
    const std::string& text = replies.at(num_each_ - 1).text;
    throw JudgeError(fmt::format(
        "judge {}: none of {} verdicts for {} could be read; {}; replies are remembered, "
        "--no-cache asks anew",
        judge_.name(), judged.size(), benchmark_.task.spec.name,
        failed != replies.end()
            ? failed->failure
            : "the first is '" + one_line(text.substr(0, kMostQuotedBytes)) + "'"));
  }

  // Said in the result, since these questions count for nothing.
  static void add_failures(const std::vector<JudgeReply>& replies, const JudgeUsage& usage,
                           ResultEntry& entry) {
    if (usage.num_failed == 0) {
      return;
    }
    const auto first = std::find_if(replies.begin(), replies.end(),
                                    [](const JudgeReply& reply) { return !reply.failure.empty(); });
    entry.notes.push_back(fmt::format("{} of {} calls of the judge failed, the first because: {}",
                                      usage.num_failed, replies.size(), one_line(first->failure)));
  }

  const Benchmark& benchmark_;
  const JudgeProtocol& protocol_;
  JudgeModel& judge_;
  size_t num_each_ = 0;
};

// Stored verdicts by the place of their question.
std::map<size_t, Judgement> read_judgements(const Benchmark& benchmark,
                                            const JudgeProtocol& protocol,
                                            const std::filesystem::path& path) {
  const std::vector<Question>& questions = benchmark.data->questions;
  const QuestionPlaces places(benchmark);
  std::map<size_t, Judgement> judgements;
  JsonlReader reader(path);
  for (size_t line = 0; const std::optional<JsonlReader::Row> row = reader.next(); ++line) {
    const bool has_id = row->value.is_object() && row->value.contains("id");
    const std::string id = has_id ? id_text(row->value, "id", row->where) : std::to_string(line);
    const size_t place = places.of_id(id, row->where);
    if (!judgements.emplace(place, protocol.read_stored(questions[place], row->value, row->where))
             .second) {
      throw Error(fmt::format("{}: a second verdict for question '{}'", row->where, id));
    }
  }
  if (judgements.empty()) {
    throw Error(path.string() + ": holds no verdicts");
  }
  return judgements;
}

}  // namespace

size_t num_judge_calls(const Benchmark& benchmark, size_t num_questions) {
  return num_questions *
         benchmark.protocol->calls(benchmark.data->questions.front(), Response()).size();
}

TaskOutcome judge_task(const Benchmark& benchmark, const AnsweredQuestions& answered,
                       JudgeModel& judge, const JudgeModel::OnReply& on_reply) {
  return Session(benchmark, judge).run(answered, on_reply);
}

TaskOutcome judge_given_responses(const Benchmark& benchmark, const std::filesystem::path& path,
                                  JudgeModel& judge, const JudgeModel::OnReply& on_reply) {
  SFT_CHECK(benchmark.data.has_value());
  const GivenResponses given = read_given_responses(benchmark, path);
  const size_t num_turns = benchmark.task.shot.num_turns();
  for (size_t i = 0; i < given.responses.size(); ++i) {
    if (given.responses[i].earlier.size() + 1 != num_turns) {
      throw Error(
          fmt::format("{}: question '{}' of {} has {} turns, its response {}; write "
                      "\"response\" as a list of texts",
                      path.string(), given.questions[i].id, benchmark.task.spec.name, num_turns,
                      given.responses[i].earlier.size() + 1));
    }
  }
  TaskOutcome outcome = judge_task(
      benchmark, {.questions = given.questions, .responses = given.responses}, judge, on_reply);
  add_extent(benchmark, outcome.entry);
  outcome.entry.settings = {{"responses_sha256", given.sha256}, {"judge", judge.name()}};
  return outcome;
}

TaskOutcome score_judgements(const Benchmark& benchmark, const std::filesystem::path& path) {
  SFT_CHECK(benchmark.data.has_value());
  const JudgeProtocol& protocol = *benchmark.protocol;
  std::vector<JudgedQuestion> judged;
  for (auto& [place, judgement] : read_judgements(benchmark, protocol, path)) {
    judged.push_back(
        {.question = benchmark.data->questions[place], .judgement = std::move(judgement)});
  }
  if (std::none_of(judged.begin(), judged.end(),
                   [](const JudgedQuestion& one) { return one.judgement.value.has_value(); })) {
    throw Error(fmt::format("{}: none of {} verdicts could be read as one of {}", path.string(),
                            judged.size(), benchmark.task.spec.name));
  }
  TaskOutcome outcome;
  outcome.entry = make_entry(benchmark.task, protocol, judged);
  for (const JudgedQuestion& one : judged) {
    outcome.samples.push_back(make_sample(protocol, one));
  }
  add_extent(benchmark, outcome.entry);
  outcome.entry.settings = {{"judgements_sha256", sha256_hex(read_file(path))}};
  return outcome;
}

}  // namespace sft
