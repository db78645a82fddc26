#include "sft/tasks/question.h"

#include <algorithm>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sft/core/error.h"
#include "sft/core/table.h"
#include "sft/data/row_reader.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

const std::vector<Columns> kNoExemplars;

struct FoundFile {
  fs::path path;
  bool is_cut = false;
};

// `file` itself, else the largest of its cuts, such as val_first2000.jsonl for val.jsonl.
std::optional<FoundFile> find_file(const fs::path& data_dir, const std::string& file) {
  const fs::path whole = data_dir / file;
  std::error_code error;
  if (fs::exists(whole, error)) {
    return FoundFile{.path = whole, .is_cut = false};
  }
  const std::string prefix = whole.stem().string() + "_first";
  std::optional<FoundFile> found;
  uintmax_t largest = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(whole.parent_path(), error)) {
    const fs::path& path = entry.path();
    if (path.filename().string().starts_with(prefix) && path.extension() == whole.extension() &&
        entry.is_regular_file(error) && (!found || entry.file_size(error) > largest)) {
      found = FoundFile{.path = path, .is_cut = true};
      largest = entry.file_size(error);
    }
  }
  return found;
}

FoundFile need_file(const fs::path& data_dir, const std::string& file) {
  std::optional<FoundFile> found = find_file(data_dir, file);
  if (!found) {
    throw Error((data_dir / file).string() + ": no such file");
  }
  return *found;
}

std::string read_gold(const TaskSpec& spec, const Extractor& gold, const Columns& columns,
                      const std::string& where) {
  if (spec.answer.empty()) {
    return "";
  }
  const std::string& answer = column_text(columns, spec.answer);
  if (!gold) {
    return answer;
  }
  Extraction reference = gold(answer);
  if (!reference.is_found) {
    throw Error(
        fmt::format("{}: '{}' finds no reference in column '{}'", where, spec.gold, spec.answer));
  }
  return reference.text;
}

// Numbers the rows of each group as they come.
class GroupCounter {
 public:
  struct Place {
    int64_t group = 0;  // from 0, in the order of appearance
    int64_t row = 0;    // inside the group
  };
  Place next(const std::string& group) {
    const auto [found, is_new] = places_.try_emplace(group);
    if (is_new) {
      found->second.group = static_cast<int64_t>(places_.size()) - 1;
      return found->second;
    }
    ++found->second.row;
    return found->second;
  }

 private:
  std::map<std::string, Place> places_;
};

bool is_asked(const GroupCounter::Place& place, const QuestionLimits& limits) {
  return (limits.per_group == 0 || place.row < limits.per_group) &&
         (limits.num_groups == 0 || place.group < limits.num_groups);
}

// text.split(separator), each piece trimmed, empty ones left out.
std::vector<std::string> split_trimmed(std::string_view text, std::string_view separator) {
  std::vector<std::string> pieces;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    const std::string_view piece = python_strip(text.substr(begin, end - begin));
    if (!piece.empty()) {
      pieces.emplace_back(piece);
    }
    begin = end + separator.size();
  }
  return pieces;
}

std::vector<std::string> make_choices(const TaskSpec& spec, const Row& row) {
  std::vector<std::string> choices;
  for (const ChoiceSpec& choice : spec.choices) {
    for (const std::string& text : make_list(choice.value, row.value, row.where)) {
      if (choice.split.empty()) {
        choices.push_back(text);
      } else {
        const std::vector<std::string> pieces = split_trimmed(text, choice.split);
        choices.insert(choices.end(), pieces.begin(), pieces.end());
      }
    }
  }
  return choices;
}

void check_reference(const Question& question, const std::string& where) {
  const bool is_letter = question.reference.size() == 1 && question.reference.front() >= 'A';
  if (!is_letter || question.right_choice() >= question.choices.size()) {
    throw Error(fmt::format("{}: the answer is '{}', but there are {} choices from A on", where,
                            question.reference, question.choices.size()));
  }
}

Question make_question(const TaskSpec& spec, const Extractor& gold, const Row& row) {
  Question question;
  question.columns = make_columns(spec.columns, row.value, row.where);
  question.reference = read_gold(spec, gold, question.columns, row.where);
  if (spec.references) {
    question.references = make_list(*spec.references, row.value, row.where);
  }
  for (const ColumnSpec& facet : spec.subscores) {
    question.facets.push_back(make_column(facet, row.value, row.where));
  }
  question.choices = make_choices(spec, row);
  if (!question.choices.empty()) {
    check_reference(question, row.where);
  }
  return question;
}

std::unique_ptr<RowReader> open_file(const fs::path& path) {
  return open_rows(path, format_of(path));
}

void read_questions(const TaskSpec& spec, const fs::path& path, const QuestionLimits& limits,
                    TaskData& data) {
  const Extractor gold =
      spec.gold.empty() ? Extractor() : find_entry(extractors(), "extractor", spec.gold).make("");
  const std::unique_ptr<RowReader> reader = open_file(path);
  const int64_t first_row = spec.rows ? spec.rows->first : 0;
  GroupCounter counter;
  for (int64_t index = 0; const std::optional<Row> row = reader->next(); ++index) {
    if (spec.rows && (index < spec.rows->first || index > spec.rows->last)) {
      continue;
    }
    const std::string group =
        spec.group ? make_column(*spec.group, row->value, row->where) : std::string();
    const GroupCounter::Place place = counter.next(group);
    ++data.num_in_file;
    if (!is_asked(place, limits)) {
      continue;
    }
    Question question = make_question(spec, gold, *row);
    question.id =
        spec.group ? fmt::format("{}/{}", group, place.row) : std::to_string(first_row + place.row);
    question.group = group;
    data.questions.push_back(std::move(question));
  }
  if (data.questions.empty()) {
    throw Error(path.string() + ": holds no questions");
  }
}

// All rows of the exemplars' file, by group.
std::map<std::string, std::vector<Columns>> read_rows(const TaskSpec& spec,
                                                      const ExemplarSpec& exemplars,
                                                      const fs::path& path) {
  std::map<std::string, std::vector<Columns>> rows;
  const auto most =
      static_cast<size_t>(1 + *std::max_element(exemplars.rows.begin(), exemplars.rows.end()));
  const std::unique_ptr<RowReader> reader = open_file(path);
  while (const std::optional<Row> row = reader->next()) {
    const std::string group =
        exemplars.is_same_group ? make_column(*spec.group, row->value, row->where) : std::string();
    if (rows[group].size() < most) {
      rows[group].push_back(make_columns(exemplars.columns, row->value, row->where));
    } else if (!exemplars.is_same_group) {
      break;
    }
  }
  return rows;
}

void read_exemplars(const TaskSpec& spec, const ExemplarSpec& exemplars, const fs::path& path,
                    TaskData& data) {
  const std::map<std::string, std::vector<Columns>> rows = read_rows(spec, exemplars, path);
  for (const Question& question : data.questions) {
    const std::string group = exemplars.is_same_group ? question.group : std::string();
    if (data.exemplars.contains(group)) {
      continue;
    }
    std::vector<Columns>& chosen = data.exemplars[group];
    const auto found = rows.find(group);
    const size_t num_rows = found == rows.end() ? 0 : found->second.size();
    for (const int64_t row : exemplars.rows) {
      if (static_cast<size_t>(row) >= num_rows) {
        throw Error(fmt::format("{}: has {} rows{}, row {} (from 0) is a worked example",
                                path.string(), num_rows, group.empty() ? "" : " of " + group, row));
      }
      chosen.push_back(found->second[static_cast<size_t>(row)]);
    }
  }
}

}  // namespace

const std::vector<Columns>& TaskData::exemplars_of(const Question& question) const {
  const auto own = exemplars.find(question.group);
  if (own != exemplars.end()) {
    return own->second;
  }
  const auto shared = exemplars.find("");
  return shared == exemplars.end() ? kNoExemplars : shared->second;
}

std::optional<std::string> missing_file(const TaskChoice& task, const fs::path& data_dir) {
  if (!find_file(data_dir, task.spec.file)) {
    return task.spec.file;
  }
  if (task.shot.exemplars && !find_file(data_dir, task.shot.exemplars->file)) {
    return task.shot.exemplars->file;
  }
  if (task.spec.judge) {
    for (const auto& [use, file] : task.spec.judge->files) {
      if (!find_file(data_dir, file)) {
        return file;
      }
    }
  }
  return std::nullopt;
}

TaskData load_task_data(const TaskChoice& task, const fs::path& data_dir,
                        const QuestionLimits& limits) {
  TaskData data;
  const FoundFile file = need_file(data_dir, task.spec.file);
  data.is_partial = file.is_cut;
  read_questions(task.spec, file.path, limits, data);
  if (task.shot.exemplars && !task.shot.exemplars->rows.empty()) {
    const FoundFile exemplars = need_file(data_dir, task.shot.exemplars->file);
    read_exemplars(task.spec, *task.shot.exemplars, exemplars.path, data);
    data.exemplar_source =
        fmt::format("{} rows {}", exemplars.path.lexically_relative(data_dir).generic_string(),
                    fmt::join(task.shot.exemplars->rows, ", "));
  }
  return data;
}

}  // namespace sft
