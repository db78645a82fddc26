// MT-Bench: a judge rates each turn of a conversation from 1 to 10.
//
// Study: OpenCompass 0.3.9, mtbench_single_judge_diff_temp: one judgement of both turns, the second
// counting most. Official: FastChat's llm_judge in mode "single": that judgement as the second
// turn's, and one of the first turn alone. Questions of reasoning, math and coding are judged with
// GPT-4's reference answers. Both ask the same thing of the judge about the second turn, greedily,
// and differ in how the rating is read.

#include <array>
#include <map>

#include <fmt/format.h>

#include "eval/judge_protocol.h"

#include "sft/data/row_reader.h"
#include "sft/results/statistics.h"
#include "sft/tasks/python_regex.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kMaxTokens = 2048;  // FastChat's
constexpr double kLargest = 10;
constexpr std::array<std::string_view, 2> kTurnNames = {"turn_1", "turn_2"};
constexpr std::array<std::string_view, 4> kColumns = {"question_1", "question_2", "category",
                                                      "question_id"};
constexpr std::array<std::string_view, 2> kUses = {"prompts", "references"};
constexpr std::array<std::string_view, 3> kWithReference = {"math", "reasoning", "coding"};

struct JudgePrompt {
  std::string system;
  std::string text;
};

std::map<std::string, JudgePrompt> read_prompts(const fs::path& path) {
  std::map<std::string, JudgePrompt> prompts;
  const std::unique_ptr<RowReader> reader = open_rows(path, format_of(path));
  while (const std::optional<Row> row = reader->next()) {
    prompts[json_member<std::string>(row->value, "name", row->where)] = {
        .system = json_member<std::string>(row->value, "system_prompt", row->where),
        .text = json_member<std::string>(row->value, "prompt_template", row->where)};
  }
  for (const char* const name :
       {"single-v1", "single-math-v1", "single-v1-multi-turn", "single-math-v1-multi-turn"}) {
    if (!prompts.contains(name)) {
      throw Error(
          fmt::format("{}: has no judge's prompt '{}'; take FastChat's "
                      "judge_prompts.jsonl",
                      path.string(), name));
    }
  }
  return prompts;
}

using ReferenceAnswer = std::array<std::string, 2>;

// {"question_id", "choices": [{"turns": [TEXT, TEXT]}]}
std::map<std::string, ReferenceAnswer> read_references(const fs::path& path) {
  ColumnSpec id;
  id.name = "question_id";
  id.value = "{question_id}";
  id.takes_numbers = true;
  std::map<std::string, ReferenceAnswer> references;
  const std::unique_ptr<RowReader> reader = open_rows(path, format_of(path));
  while (const std::optional<Row> row = reader->next()) {
    const Json choices = json_member<Json>(row->value, "choices", row->where);
    const bool has_turns = choices.is_array() && !choices.empty() && choices.front().is_object() &&
                           choices.front().contains("turns");
    const Json turns = has_turns ? choices.front()["turns"] : Json();
    if (!turns.is_array() || turns.size() < 2 || !turns[0].is_string() || !turns[1].is_string()) {
      throw Error(row->where + ": 'choices[0].turns' must be two texts");
    }
    references[make_column(id, row->value, row->where)] = {turns[0].get<std::string>(),
                                                           turns[1].get<std::string>()};
  }
  return references;
}

bool needs_reference(const Question& question) {
  const std::string& category = column_text(question.columns, "category");
  return std::find(kWithReference.begin(), kWithReference.end(), category) != kWithReference.end();
}

class MtBench final : public JudgeProtocol {
 public:
  MtBench(const TaskSpec& task, const TaskData& data, const fs::path& data_dir) {
    const JudgeSpec& judge = *task.judge;
    need_columns(task, kColumns);
    refuse_unknown_uses(judge, kUses);
    for (const ShotSpec& shot : task.shots) {
      if (shot.num_turns() != 2) {
        throw UsageError(
            fmt::format("{}: judge protocol 'mt_bench' needs 'rounds' of two turns, "
                        "with bot: \"{{response}}\" between them",
                        judge.where));
      }
    }
    prompts_ = read_prompts(data_dir / needed(judge, judge.files, "prompts"));
    const fs::path references = data_dir / needed(judge, judge.files, "references");
    references_ = read_references(references);
    for (const Question& question : data.questions) {
      const std::string& id = column_text(question.columns, "question_id");
      if (needs_reference(question) && !references_.contains(id)) {
        throw Error(fmt::format("{}: has no answer to question {}, which is judged by one",
                                references.string(), id));
      }
    }
  }

  std::vector<JudgeCall> calls(const Question& question, const Response& response) const override {
    const bool has_reference = needs_reference(question);
    const std::string& first_answer =
        response.earlier.empty() ? response.text : response.earlier.front();
    const std::string& question_1 = column_text(question.columns, "question_1");
    const ReferenceAnswer reference =
        has_reference ? references_.at(column_text(question.columns, "question_id"))
                      : ReferenceAnswer();
    const std::array<std::pair<std::string_view, std::string_view>, 8> values = {{
        {"question", question_1},
        {"answer", first_answer},
        {"question_1", question_1},
        {"question_2", column_text(question.columns, "question_2")},
        {"answer_1", first_answer},
        {"answer_2", response.text},
        {"ref_answer_1", reference[0]},
        {"ref_answer_2", reference[1]},
    }};
    std::vector<JudgeCall> calls;
    for (const std::string name :
         {has_reference ? "single-math-v1" : "single-v1",
          has_reference ? "single-math-v1-multi-turn" : "single-v1-multi-turn"}) {
      const JudgePrompt& prompt = prompts_.at(name);
      calls.push_back({.system = prompt.system,
                       .user = fill_names(prompt.text, values),
                       .temperature = 0,
                       .max_tokens = kMaxTokens,
                       .top_logprobs = 0});
    }
    return calls;
  }

  Judgement read(const Question& /*question*/, const Response& /*response*/,
                 std::span<const JudgeReply> replies) const override {
    Judgement judgement;
    for (size_t turn = 0; turn < replies.size(); ++turn) {
      const std::optional<double> rating = official_rating(replies[turn].text);
      judgement.verdicts.push_back(
          {.name = std::string(kTurnNames.at(turn)), .text = replies[turn].text, .value = rating});
      if (rating) {
        judgement.official.push_back(*rating);
      }
    }
    judgement.value = study_rating(replies.back().text);
    return judgement;
  }

  Judgement read_stored(const Question& /*question*/, const Json& row,
                        const std::string& where) const override {
    const std::string text = json_member<std::string>(row, "verdict", where);
    Judgement judgement;
    judgement.value = study_rating(text);
    judgement.verdicts = {
        {.name = std::string(kTurnNames[1]), .text = text, .value = judgement.value}};
    return judgement;
  }

  double scale() const override { return 1; }
  std::string_view official_metric() const override { return "rating"; }
  double largest() const override { return kLargest; }

  // The official mean of each turn.
  void add_details(std::span<const JudgedQuestion> judged, ResultEntry& entry) const override {
    if (!entry.strict) {
      return;
    }
    for (const std::string_view turn : kTurnNames) {
      std::vector<double> ratings;
      for (const JudgedQuestion& one : judged) {
        for (const SampleRecord::Verdict& verdict : one.judgement.verdicts) {
          if (verdict.name == turn && verdict.value) {
            ratings.push_back(*verdict.value);
          }
        }
      }
      if (!ratings.empty()) {
        entry.subscores.emplace_back(fmt::format("strict/{}", turn), mean_of_values(ratings).mean);
      }
    }
  }

 private:
  std::map<std::string, JudgePrompt> prompts_;
  std::map<std::string, ReferenceAnswer> references_;
};

// The number in the first match of a pattern's group.
std::optional<double> first_number(const PythonRegex& pattern, std::string_view text) {
  const std::optional<PythonRegex::Match> match = pattern.search(text);
  return match && match->groups.at(1) ? python_float(*match->groups[1]) : std::nullopt;
}

}  // namespace

std::unique_ptr<JudgeProtocol> make_mt_bench(const TaskSpec& task, const TaskData& data,
                                             const fs::path& data_dir) {
  return std::make_unique<MtBench>(task, data, data_dir);
}

std::optional<double> study_rating(std::string_view verdict) {
  static const PythonRegex kRating(R"(Rating:\s*\[\[([\d.]+)\]\])");
  return first_number(kRating, verdict);
}

std::optional<double> official_rating(std::string_view verdict) {
  static const PythonRegex kRating(R"(\[\[(\d+\.?\d*)\]\])");
  static const PythonRegex kLooseRating(R"(\[(\d+\.?\d*)\])");
  const std::optional<double> rating = first_number(kRating, verdict);
  return rating ? rating : first_number(kLooseRating, verdict);
}

}  // namespace sft
