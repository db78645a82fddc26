#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sft/eval/judge.h"
#include "sft/eval/task_score.h"
#include "sft/tasks/question.h"

namespace sft {

// What a judge's replies about one question say.
struct Judgement {
  std::optional<double> value;   // by the study's reading, on the task's scale; none: unparsed
  std::vector<double> official;  // by the official reading: each judgement that could be read
  std::vector<SampleRecord::Verdict> verdicts;
  // Characters of the compared answers, where they are known and matter.
  struct Lengths {
    double baseline = 0;
    double model = 0;
  };
  std::optional<Lengths> lengths;
};

struct JudgedQuestion {
  Question question;
  Judgement judgement;
};

// How a judge is asked about responses, and how its replies are read. Holds what it needs of the
// task's files. Safe to share between threads.
class JudgeProtocol {
 public:
  virtual ~JudgeProtocol() = default;

  // The calls for one question, of each question as many.
  virtual std::vector<JudgeCall> calls(const Question& question,
                                       const Response& response) const = 0;
  // What the replies to these say.
  virtual Judgement read(const Question& question, const Response& response,
                         std::span<const JudgeReply> replies) const = 0;
  // What a line of stored verdicts says. Throws Error that begins with `where`.
  virtual Judgement read_stored(const Question& question, const Json& row,
                                const std::string& where) const = 0;

  // What the study's values, and the official ones under their own name, are multiplied by.
  virtual double scale() const = 0;
  virtual std::string_view official_metric() const = 0;
  // The best value, which as a sample's score is 1.
  virtual double largest() const = 0;
  // Adds what else there is to report: subscores and notes.
  virtual void add_details(std::span<const JudgedQuestion> judged, ResultEntry& entry) const = 0;
};

// A row is named by `judge: {protocol: NAME}` in a task's YAML.
struct JudgeProtocolRow {
  std::string_view name;
  std::unique_ptr<JudgeProtocol> (*make)(const TaskSpec& task, const TaskData& data,
                                         const std::filesystem::path& data_dir);
};
std::span<const JudgeProtocolRow> judge_protocols();

// The protocol that the task names, with its files read. Throws UsageError with the place in the
// task's file for an unknown protocol, or what it needs and the task has not; Error for a file that
// it cannot use.
std::unique_ptr<JudgeProtocol> make_judge_protocol(const TaskSpec& task, const TaskData& data,
                                                   const std::filesystem::path& data_dir);

// The rows of judge_protocols(); each says its rule where it is defined.
std::unique_ptr<JudgeProtocol> make_mt_bench(const TaskSpec& task, const TaskData& data,
                                             const std::filesystem::path& data_dir);
std::unique_ptr<JudgeProtocol> make_alpaca_eval(const TaskSpec& task, const TaskData& data,
                                                const std::filesystem::path& data_dir);

// What a protocol takes from `judge:`, by its use. Throws UsageError where the task lacks it.
const std::string& needed(const JudgeSpec& judge, const JudgeSpec::Names& names,
                          std::string_view use);
// Throws UsageError where `judge:` has a file or text for a use that is none of `known`.
void refuse_unknown_uses(const JudgeSpec& judge, std::span<const std::string_view> known);
// Throws UsageError where the task lacks one of the columns.
void need_columns(const TaskSpec& task, std::span<const std::string_view> columns);

// Each {name} replaced by its text, all at once, so that a text which holds another's name is not
// changed; other braces stay.
std::string fill_names(std::string_view text,
                       std::span<const std::pair<std::string_view, std::string_view>> values);

// The readings of verdicts, as published:
// OpenCompass 0.3.9, MT-Bench: the first "Rating: [[7.5]]"; none where there is none or no number.
std::optional<double> study_rating(std::string_view verdict);
// FastChat's llm_judge: the first "[[7.5]]", else the first "[7.5]".
std::optional<double> official_rating(std::string_view verdict);
// OpenCompass 0.3.9, AlpacaEval 2: which of two answers a reply prefers, 1 or 2 by its first
// character, "m" or "M".
std::optional<int> preferred_answer(std::string_view verdict);

}  // namespace sft
