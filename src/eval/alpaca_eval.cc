// AlpacaEval 2: a judge prefers the model's answer or the baseline's.
//
// Study: OpenCompass 0.3.9, alpacav2_judgeby_gpt4: the judge names the better answer, "m" or "M"
// by the reply's first character; which of them is the model's follows random.seed(666) and one
// random.shuffle a question, in the file's order. Win rate over the replies that could be read.
//
// Official: alpaca_eval's weighted_alpaca_eval_gpt4_turbo: the reply's one token counts by the
// probabilities of "m" and "M" among its five likeliest; the order follows a generator seeded by
// each instruction. Length-controlled as in results/length_controlled.h.

#include <array>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "eval/judge_protocol.h"
#include "eval/python_random.h"

#include "sft/data/row_reader.h"
#include "sft/io/file.h"
#include "sft/results/length_controlled.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kStudySeed = 666;
constexpr int64_t kStudyMaxTokens = 16;  // the first character is all that counts
constexpr int64_t kOfficialTopLogprobs = 5;
constexpr size_t kFewestForRegression = 5;
constexpr std::array<std::string_view, 2> kColumns = {"question", "baseline"};
constexpr std::array<std::string_view, 3> kUses = {"system", "prompt", "gamed"};
constexpr std::array<std::string_view, 2> kVerdictNames = {"study", "official"};

// Which of the two answers is the model's.
enum class Order { kBaselineFirst, kModelFirst };

int64_t row_of(const Question& question) {
  int64_t row = 0;
  const char* const end = question.id.data() + question.id.size();
  const auto [stop, error] = std::from_chars(question.id.data(), end, row);
  SFT_CHECK(error == std::errc() && stop == end);  // the task has no groups
  return row;
}

// random.seed(666), then random.shuffle([baseline, model]) for each row from the first on.
std::vector<Order> study_orders(size_t num_rows) {
  PythonRandom random(kStudySeed);
  std::vector<Order> orders;
  orders.reserve(num_rows);
  for (size_t row = 0; row < num_rows; ++row) {
    orders.push_back(random.swaps_two() ? Order::kModelFirst : Order::kBaselineFirst);
  }
  return orders;
}

Order official_order(const Question& question) {
  PythonRandom random("is_switched_outputs" + column_text(question.columns, "question") + "0");
  return random.random() * 2 < 1 ? Order::kBaselineFirst : Order::kModelFirst;
}

// "<|im_start|>system\n...<|im_end|>\n<|im_start|>user\n...<|im_end|>", both parts trimmed.
JudgeCall read_chat_prompt(const fs::path& path) {
  const std::string file = read_file(path);
  std::string_view text = file;
  JudgeCall call;
  for (auto* const part : {&call.system, &call.user}) {
    const std::string begin = part == &call.system ? "<|im_start|>system\n" : "<|im_start|>user\n";
    constexpr std::string_view kEnd = "<|im_end|>";
    const size_t open = text.find(begin);
    const size_t close = open == text.npos ? open : text.find(kEnd, open);
    if (close == std::string_view::npos) {
      throw Error(
          fmt::format("{}: must hold a system's and a user's part, each between "
                      "<|im_start|> and <|im_end|>; take alpaca_eval's alpaca_eval_clf.txt",
                      path.string()));
    }
    *part = python_strip(text.substr(open + begin.size(), close - open - begin.size()));
    text.remove_prefix(close + kEnd.size());
  }
  return call;
}

struct GamedData {
  std::vector<GamedAnswer> answers;
  std::map<int64_t, double> difficulties;  // of the question's row
};

double number_in(const Json& row, const std::string& key, const std::string& where) {
  const std::string text = json_member<std::string>(row, key, where);
  const std::optional<double> number = python_float(text);
  if (!number) {
    throw Error(fmt::format("{}: '{}' must be a number, not '{}'", where, key, text));
  }
  return *number;
}

// The columns preference (0 to 1), index, std_delta_len, instruction_difficulty and
// not_gamed_baseline (True or False).
GamedData read_gamed(const fs::path& path) {
  GamedData data;
  const std::unique_ptr<RowReader> reader = open_rows(path, RowFormat::kCsv);
  while (const std::optional<Row> row = reader->next()) {
    const auto number = [&row](const std::string& key) {
      return number_in(row->value, key, row->where);
    };
    const double difficulty = number("instruction_difficulty");
    data.difficulties.emplace(static_cast<int64_t>(number("index")), difficulty);
    const std::string not_gamed =
        json_member<std::string>(row->value, "not_gamed_baseline", row->where);
    data.answers.push_back({.preference = number("preference"),
                            .length_difference = number("std_delta_len"),
                            .difficulty = difficulty,
                            .is_baseline_gamed = python_lower(not_gamed) != "true"});
  }
  return data;
}

// How much the first of two answers is preferred, by the probabilities of "m" and "M"; none where
// neither is among the likeliest tokens.
std::optional<double> first_share(std::span<const TokenLogprob> tokens) {
  double first = 0;
  double second = 0;
  for (const TokenLogprob& token : tokens) {
    if (token.token == "m") {
      first = std::exp(token.logprob);
    } else if (token.token == "M") {
      second = std::exp(token.logprob);
    }
  }
  return first + second > 0 ? std::optional(first / (first + second)) : std::nullopt;
}

class AlpacaEval final : public JudgeProtocol {
 public:
  AlpacaEval(const TaskSpec& task, const TaskData& data, const fs::path& data_dir)
      : orders_(study_orders(static_cast<size_t>(data.num_in_file))) {
    const JudgeSpec& judge = *task.judge;
    need_columns(task, kColumns);
    if (task.group || task.rows) {
      throw UsageError(judge.where +
                       ": judge protocol 'alpaca_eval' takes neither 'group' nor "
                       "'rows'");
    }
    study_ = {.system = needed(judge, judge.texts, "system"),
              .user = needed(judge, judge.texts, "prompt"),
              .temperature = 0,
              .max_tokens = kStudyMaxTokens,
              .top_logprobs = 0};
    official_ = read_chat_prompt(data_dir / needed(judge, judge.files, "prompt"));
    official_.temperature = 1;
    official_.max_tokens = 1;
    official_.top_logprobs = kOfficialTopLogprobs;
    refuse_unknown_uses(judge, kUses);
    for (const auto& [use, file] : judge.optional_files) {
      gamed_file_ = file;
      if (fs::exists(data_dir / file)) {
        gamed_ = read_gamed(data_dir / file);
      }
    }
  }

  std::vector<JudgeCall> calls(const Question& question, const Response& response) const override {
    const std::string& instruction = column_text(question.columns, "question");
    const std::string& baseline = column_text(question.columns, "baseline");
    const auto fill = [&](const JudgeCall& call, Order order) {
      const bool is_model_first = order == Order::kModelFirst;
      const std::string_view first = is_model_first ? response.text : baseline;
      const std::string_view second = is_model_first ? baseline : response.text;
      const std::array<std::pair<std::string_view, std::string_view>, 6> values = {
          {{"question", instruction},
           {"prediction", first},
           {"prediction2", second},
           {"instruction", instruction},
           {"output_1", first},
           {"output_2", second}}};
      JudgeCall filled = call;
      filled.user = fill_names(call.user, values);
      return filled;
    };
    return {fill(study_, order_of(question)), fill(official_, official_order(question))};
  }

  Judgement read(const Question& question, const Response& response,
                 std::span<const JudgeReply> replies) const override {
    Judgement judgement;
    judgement.value = win(question, replies[0].text);
    std::optional<double> share = first_share(replies[1].first_token);
    if (share && official_order(question) == Order::kBaselineFirst) {
      share = 1 - *share;
    }
    if (share) {
      judgement.official.push_back(*share);
    }
    const std::array<std::optional<double>, 2> values = {judgement.value, share};
    for (size_t i = 0; i < values.size(); ++i) {
      judgement.verdicts.push_back({.name = std::string(kVerdictNames.at(i)),
                                    .text = replies[i].text,
                                    .value = values.at(i)});
    }
    judgement.lengths = {
        .baseline = static_cast<double>(num_code_points(column_text(question.columns, "baseline"))),
        .model = static_cast<double>(num_code_points(response.text))};
    return judgement;
  }

  // {"preference": 1 to 2, null where there is none}, with len_1 and len_2 where the answers'
  // lengths are known; or {"verdict": TEXT} of the study's judge.
  Judgement read_stored(const Question& question, const Json& row,
                        const std::string& where) const override {
    Judgement judgement;
    if (!row.is_object() || !row.contains("preference")) {
      const std::string text = json_member<std::string>(row, "verdict", where);
      judgement.value = win(question, text);
      judgement.verdicts = {
          {.name = std::string(kVerdictNames[0]), .text = text, .value = judgement.value}};
      return judgement;
    }
    if (!row["preference"].is_null()) {
      const double preference = json_member<double>(row, "preference", where);
      if (!(preference >= 1 && preference <= 2)) {
        throw Error(
            fmt::format("{}: 'preference' is {}, must be from 1 (the baseline is better) "
                        "to 2 (the model is)",
                        where, preference));
      }
      judgement.value = preference - 1;
      judgement.official = {preference - 1};
    }
    judgement.verdicts = {
        {.name = std::string(kVerdictNames[1]), .text = "", .value = judgement.value}};
    if (row.contains("len_1") && row.contains("len_2")) {
      judgement.lengths = {.baseline = json_member<double>(row, "len_1", where),
                           .model = json_member<double>(row, "len_2", where)};
    }
    return judgement;
  }

  double scale() const override { return 100; }
  std::string_view official_metric() const override { return "weighted_win_rate"; }
  double largest() const override { return 1; }

  void add_details(std::span<const JudgedQuestion> judged, ResultEntry& entry) const override {
    if (!entry.strict) {
      entry.notes.emplace_back(
          "no weighted win rate: there are no log-probabilities of the judge's first token");
      return;
    }
    if (!gamed_) {
      entry.notes.push_back(
          gamed_file_.empty()
              ? "no length-controlled win rate: the task names no file of difficulties"
              : fmt::format("no length-controlled win rate: {} (the published difficulties) is not "
                            "there; sft data fetch bench gets it",
                            gamed_file_));
      return;
    }
    const std::vector<ComparedAnswer> answers = compared_answers(judged);
    const auto num_judged = static_cast<size_t>(
        std::count_if(answers.begin(), answers.end(),
                      [](const ComparedAnswer& answer) { return answer.preference.has_value(); }));
    if (answers.size() < judged.size() || num_judged < kFewestForRegression) {
      entry.notes.push_back(fmt::format(
          "no length-controlled win rate: it needs {} judged answers at least, and length and "
          "difficulty of each; known of {}",
          kFewestForRegression, answers.size()));
      return;
    }
    const LengthControlled result = length_controlled_win_rate(answers, gamed_->answers);
    entry.subscores.emplace_back("length_controlled_win_rate", result.win_rate.mean);
  }

 private:
  Order order_of(const Question& question) const {
    return orders_.at(static_cast<size_t>(row_of(question)));
  }

  // 1 where a reply prefers the model's answer, 0 where the baseline's.
  std::optional<double> win(const Question& question, std::string_view verdict) const {
    const std::optional<int> preferred = preferred_answer(verdict);
    if (!preferred) {
      return std::nullopt;
    }
    return (*preferred == 1) == (order_of(question) == Order::kModelFirst) ? 1 : 0;
  }

  // Those whose lengths and difficulty are known.
  std::vector<ComparedAnswer> compared_answers(std::span<const JudgedQuestion> judged) const {
    std::vector<ComparedAnswer> answers;
    for (const JudgedQuestion& one : judged) {
      const auto difficulty = gamed_->difficulties.find(row_of(one.question));
      if (difficulty == gamed_->difficulties.end() || !one.judgement.lengths) {
        continue;
      }
      const std::vector<double>& official = one.judgement.official;
      answers.push_back(
          {.preference = official.empty() ? std::nullopt : std::optional(official.front()),
           .baseline_length = one.judgement.lengths->baseline,
           .model_length = one.judgement.lengths->model,
           .difficulty = difficulty->second});
    }
    return answers;
  }

  std::vector<Order> orders_;  // of the file's rows
  JudgeCall study_;            // with {names} for what is compared
  JudgeCall official_;
  std::string gamed_file_;  // "": the task names none
  std::optional<GamedData> gamed_;
};

}  // namespace

std::unique_ptr<JudgeProtocol> make_alpaca_eval(const TaskSpec& task, const TaskData& data,
                                                const fs::path& data_dir) {
  return std::make_unique<AlpacaEval>(task, data, data_dir);
}

std::optional<int> preferred_answer(std::string_view verdict) {
  if (verdict.starts_with('m')) {
    return 1;
  }
  return verdict.starts_with('M') ? std::optional(2) : std::nullopt;
}

}  // namespace sft
