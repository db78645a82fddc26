#pragma once

#include <filesystem>
#include <span>

#include "sft/eval/evaluator.h"
#include "sft/eval/judge.h"

namespace sft {

// Asks a judge about one response a question (in the same order, at least one) and scores its
// verdicts, by the task's protocol. A question whose verdict cannot be read counts as unparsed and
// not in `n`. Sets all of the entry but n_total, is_partial and settings. Throws JudgeError where
// the judge cannot be asked, or no verdict could be read.
TaskOutcome judge_task(const Benchmark& benchmark, const AnsweredQuestions& answered,
                       JudgeModel& judge, const JudgeModel::OnReply& on_reply);
// The number of calls that this makes.
size_t num_judge_calls(const Benchmark& benchmark, size_t num_questions);

// The same for responses that were given, as score_given_responses reads them.
TaskOutcome judge_given_responses(const Benchmark& benchmark, const std::filesystem::path& path,
                                  JudgeModel& judge, const JudgeModel::OnReply& on_reply);

// Scores stored verdicts: JSON Lines of {"id", "verdict": TEXT}, or of {"id", "preference": 1 to 2}
// where the task is one of preferences. Without "id" the line's number from 0; other fields are
// ignored; only the questions that are there count. Throws Error with path:line.
TaskOutcome score_judgements(const Benchmark& benchmark, const std::filesystem::path& path);

}  // namespace sft
