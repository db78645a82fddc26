#include "sft/eval/given_responses.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>

#include "eval/outcome_parts.h"

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/jsonl.h"
#include "sft/io/sha256.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && stop == text.data() + text.size() && value >= 0
             ? std::optional(value)
             : std::nullopt;
}

// "lukaemon_mmlu_anatomy_1" as the name and its last number: a large dataset is cut into such.
struct PartName {
  std::string name;
  int64_t part = 0;
};
PartName part_name(const fs::path& path) {
  const std::string stem = path.stem().string();
  const size_t mark = stem.rfind('_');
  const std::optional<int64_t> part = mark == std::string::npos
                                          ? std::nullopt
                                          : whole_number(std::string_view(stem).substr(mark + 1));
  return part ? PartName{.name = stem.substr(0, mark), .part = *part}
              : PartName{.name = stem, .part = 0};
}

// Collects responses by the place of their question among the task's.
class Responses {
 public:
  explicit Responses(const Benchmark& benchmark) : benchmark_(benchmark), places_(benchmark) {
    const std::vector<Question>& questions = benchmark.data->questions;
    for (size_t i = 0; i < questions.size(); ++i) {
      groups_[questions[i].group].push_back(i);
    }
  }

  void read_file(const fs::path& path) {
    if (path.extension() == ".json") {
      read_predictions(path, 0);
    } else {
      read_lines(path);
    }
  }

  // The files of a folder; those of one name with numbers behind continue each other.
  void read_folder(const fs::path& folder) {
    std::map<std::string, std::map<int64_t, fs::path>> parts;
    std::set<fs::path> logs;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      const fs::path& path = entry.path();
      if (path.extension() == ".json") {
        const PartName part = part_name(path);
        parts[part.name][part.part] = path;
      } else if (path.extension() == ".jsonl") {
        logs.insert(path);
      }
    }
    for (const auto& [name, files] : parts) {
      int64_t first = 0;
      for (const auto& [part, path] : files) {
        first += read_predictions(path, first);
      }
    }
    for (const fs::path& path : logs) {
      read_lines(path);
    }
  }

  const std::map<size_t, Response>& all() const { return responses_; }

 private:
  void add(size_t place, Response response, const std::string& where) {
    if (!responses_.emplace(place, std::move(response)).second) {
      throw Error(fmt::format("{}: a second response to question '{}'", where,
                              benchmark_.data->questions[place].id));
    }
  }

  // The questions that the numbers in a file count: all, or those of the group with the longest
  // name that the file's name holds.
  const std::vector<size_t>& counted_in(const fs::path& path) const {
    const std::string stem = path.stem().string();
    const std::vector<size_t>* questions = nullptr;
    size_t longest = 0;
    for (const auto& [group, places] : groups_) {
      if (group.size() >= longest && stem.find(group) != std::string::npos) {
        questions = &places;
        longest = group.size();
      }
    }
    if (questions == nullptr) {
      throw Error(
          fmt::format("{}: its name must hold the subject of {} that it answers, as in "
                      "'{}'",
                      path.string(), benchmark_.task.spec.name, groups_.begin()->first));
    }
    return *questions;
  }

  size_t place_of_number(const std::vector<size_t>& questions, int64_t number,
                         const std::string& where) const {
    if (static_cast<size_t>(number) >= questions.size()) {
      throw Error(fmt::format("{}: number {} (from 0), but {} has {} questions", where, number,
                              benchmark_.task.spec.name, questions.size()));
    }
    return questions[static_cast<size_t>(number)];
  }

  // {"0": {"prediction": TEXT}, ...}; the number of predictions.
  int64_t read_predictions(const fs::path& path, int64_t first) {
    const Json json = read_json(path);
    if (!json.is_object()) {
      throw Error(path.string() + ": must be an object of predictions by number, {\"0\": {...}}");
    }
    const std::vector<size_t>& questions = counted_in(path);
    for (const auto& [key, value] : json.items()) {
      const std::string where = path.string() + ": in '" + key + "'";
      const std::optional<int64_t> number = whole_number(key);
      if (!number) {
        throw Error(where + ": must be a number from 0 on");
      }
      add(place_of_number(questions, first + *number, where),
          {.text = json_member<std::string>(value, "prediction", where),
           .generation = std::nullopt,
           .choices = {}},
          where);
    }
    return static_cast<int64_t>(json.size());
  }

  // Lines with ids, or those of a log of samples.
  void read_lines(const fs::path& path) {
    JsonlReader reader(path);
    std::optional<std::string> filter;  // a log has its documents once for each filter
    while (const std::optional<JsonlReader::Row> row = reader.next()) {
      const bool is_log = row->value.is_object() && row->value.contains("doc_id");
      if (!is_log) {
        add(places_.of_id(id_text(row->value, "id", row->where), row->where),
            read_response(row->value, row->where), row->where);
        continue;
      }
      const std::string own = row->value.value("filter", std::string());
      filter = filter.value_or(own);
      if (own == *filter) {
        read_log_row(*row, counted_in(path));
      }
    }
  }

  // "response" of one turn, of several as a list, or behind "earlier_responses".
  static Response read_response(const Json& row, const std::string& where) {
    Response response;
    const auto texts = [&where](const Json& list, const char* key) {
      return json_texts(list, fmt::format("{}: '{}' must be a list of texts", where, key));
    };
    const Json last = json_member<Json>(row, "response", where);
    if (last.is_array() && !last.empty()) {
      response.earlier = texts(last, "response");
      response.text = std::move(response.earlier.back());
      response.earlier.pop_back();
      return response;
    }
    response.text = json_member<std::string>(row, "response", where);
    if (row.contains("earlier_responses")) {
      response.earlier = texts(row["earlier_responses"], "earlier_responses");
    }
    return response;
  }

  void read_log_row(const JsonlReader::Row& row, const std::vector<size_t>& questions) {
    const std::optional<int64_t> number = whole_number(id_text(row.value, "doc_id", row.where));
    if (!number) {
      throw Error(row.where + ": 'doc_id' must be a number from 0 on");
    }
    const size_t place = place_of_number(questions, *number, row.where);
    const Json resps = json_member<Json>(row.value, "resps", row.where);
    if (!resps.is_array() || resps.empty() || !resps.front().is_array() || resps.front().empty()) {
      throw Error(row.where + ": 'resps' must be a list of lists");
    }
    Response response;
    if (resps.front().front().is_string()) {
      response.text = resps.front().front().get<std::string>();
    } else {
      response.choices = read_choices(resps, benchmark_.data->questions[place], row.where);
    }
    add(place, std::move(response), row.where);
  }

  // [[[LOGPROB, IS_GREEDY]], ...], one a choice; numbers may be written as text.
  static std::vector<ChoiceScore> read_choices(const Json& resps, const Question& question,
                                               const std::string& where) {
    std::vector<ChoiceScore> choices;
    for (const Json& resp : resps) {
      const bool is_pair =
          resp.is_array() && !resp.empty() && resp.front().is_array() && !resp.front().empty();
      const Json value = is_pair ? resp.front().front() : Json();
      const std::optional<double> logprob = value.is_number() ? std::optional(value.get<double>())
                                            : value.is_string()
                                                ? python_float(value.get<std::string>())
                                                : std::nullopt;
      if (!logprob) {
        throw Error(where + ": 'resps' must hold texts, or [log-probability, is greedy] a choice");
      }
      choices.push_back({.logprob = *logprob, .num_characters = 0});
    }
    if (choices.size() != question.choices.size()) {
      throw Error(fmt::format("{}: log-probabilities of {} choices, the question has {}", where,
                              choices.size(), question.choices.size()));
    }
    for (size_t i = 0; i < choices.size(); ++i) {
      choices[i].num_characters = static_cast<double>(num_code_points(question.choices[i]));
    }
    return choices;
  }

  const Benchmark& benchmark_;
  QuestionPlaces places_;
  std::map<std::string, std::vector<size_t>> groups_;
  std::map<size_t, Response> responses_;
};

// Of a folder: of the names and hashes of its files.
std::string responses_sha256(const fs::path& path) {
  if (!fs::is_directory(path)) {
    return sha256_hex(read_file(path));
  }
  std::map<std::string, std::string> hashes;
  for (const fs::directory_entry& entry : fs::directory_iterator(path)) {
    if (entry.path().extension() == ".json" || entry.path().extension() == ".jsonl") {
      hashes[entry.path().filename().string()] = sha256_hex(read_file(entry.path()));
    }
  }
  std::string text;
  for (const auto& [name, hash] : hashes) {
    text.append(name).append("\n").append(hash).append("\n");
  }
  return sha256_hex(text);
}

}  // namespace

QuestionPlaces::QuestionPlaces(const Benchmark& benchmark) : benchmark_(benchmark) {
  const std::vector<Question>& questions = benchmark.data->questions;
  for (size_t i = 0; i < questions.size(); ++i) {
    by_id_.emplace(questions[i].id, i);
  }
}

size_t QuestionPlaces::of_id(const std::string& id, const std::string& where) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    throw Error(fmt::format("{}: no question '{}' in {} (ids are from '{}' to '{}')", where, id,
                            benchmark_.task.spec.name, benchmark_.data->questions.front().id,
                            benchmark_.data->questions.back().id));
  }
  return found->second;
}

std::string id_text(const Json& row, const std::string& key, const std::string& where) {
  const Json id = json_member<Json>(row, key, where);
  return id.is_number_integer() ? id.dump() : json_member<std::string>(row, key, where);
}

GivenResponses read_given_responses(const Benchmark& benchmark, const fs::path& path) {
  SFT_CHECK(benchmark.data.has_value());
  Responses given(benchmark);
  if (fs::is_directory(path)) {
    given.read_folder(path);
  } else {
    given.read_file(path);
  }
  if (given.all().empty()) {
    throw Error(path.string() + ": holds no responses");
  }
  GivenResponses result;
  for (const auto& [place, response] : given.all()) {
    result.questions.push_back(benchmark.data->questions[place]);
    result.responses.push_back(response);
  }
  result.sha256 = responses_sha256(path);
  return result;
}

TaskOutcome score_given_responses(const Benchmark& benchmark, const fs::path& path,
                                  const CodeRunner* code_runner) {
  const GivenResponses given = read_given_responses(benchmark, path);
  TaskChoice task = benchmark.task;
  const bool has_choices =
      std::any_of(given.responses.begin(), given.responses.end(),
                  [](const Response& response) { return !response.choices.empty(); });
  if (has_choices) {
    task.shot.request = RequestKind::kLikelihood;
  } else if (task.shot.request == RequestKind::kLikelihood) {
    throw Error(path.string() + ": holds texts, but " + task.spec.name +
                " is scored by log-probabilities of its choices");
  }
  TaskOutcome outcome = score_task(task, given.questions, given.responses, {.runner = code_runner});
  add_extent(benchmark, outcome.entry);
  outcome.entry.settings = {{"responses_sha256", given.sha256}};
  if (benchmark.runs_code) {
    outcome.entry.settings["interpreter"] = code_runner->interpreter();
  }
  return outcome;
}

}  // namespace sft
