#include "sft/data/dataset.h"

#include <numeric>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "data/row_layout.h"
#include "data/seen_ids.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr std::array<std::string_view, kNumDropReasons> kDropReasonNames = {
    "keep_rule", "drop_rule", "empty_response", "empty_instruction", "roles", "too_long"};

// Optional columns that the recipe names and no row has had so far: a slip of the pen in
// `input: contxt` would silently train on less.
class MissingColumns {
 public:
  explicit MissingColumns(const std::optional<RowLayout>& layout) {
    if (!layout) {
      return;
    }
    if (const auto* const fields = std::get_if<FieldsLayout>(&*layout)) {
      for (const std::string& column : {fields->input, fields->history}) {
        if (!column.empty()) {
          missing_.insert(column);
        }
      }
    }
  }
  void note(const Json& row) {
    std::erase_if(missing_, [&](const std::string& column) { return row.contains(column); });
  }
  void check(const DatasetSpec& spec) const {
    if (!missing_.empty()) {
      throw Error(fmt::format("{}: no row has the column '{}' that 'fields' names",
                              spec.path.string(), *missing_.begin()));
    }
  }

 private:
  std::set<std::string> missing_;
};

}  // namespace

struct DatasetRows::State {
  const DatasetSpec& spec;
  std::vector<DatasetFile> files;
  MissingColumns missing;
  size_t next_file = 0;
  std::unique_ptr<RowReader> reader;  // of the file before next_file
  std::shared_ptr<const RowLayout> layout;
  int64_t rows_of_file = 0;
  int64_t rows = 0;

  const DatasetFile& file() const { return files[next_file - 1]; }

  // False where there is no file left.
  bool open_next() {
    if (next_file == files.size()) {
      return false;
    }
    ++next_file;
    reader = open_rows(file().path, spec.format ? *spec.format : format_of(file().path));
    layout = spec.layout ? std::make_shared<const RowLayout>(*spec.layout) : nullptr;
    rows_of_file = 0;
    return true;
  }

  DatasetRow take(Row row) {
    check_object(row);
    if (layout == nullptr) {
      layout = std::make_shared<const RowLayout>(recognise_layout(row));
    }
    missing.note(row.value);
    ++rows_of_file;
    ++rows;
    std::string source = file().name + row.where.substr(file().path.string().size());
    return {.row = std::move(row), .layout = layout, .source = std::move(source)};
  }
};

DatasetRows::DatasetRows(const DatasetSpec& spec, std::vector<DatasetFile> files)
    : state_(new State{.spec = spec,
                       .files = std::move(files),
                       .missing = MissingColumns(spec.layout),
                       .reader = nullptr,
                       .layout = nullptr}) {}

DatasetRows::~DatasetRows() = default;

int64_t DatasetRows::rows() const {
  return state_->rows;
}

std::optional<DatasetRow> DatasetRows::next() {
  State& state = *state_;
  while (state.reader != nullptr || state.open_next()) {
    if (std::optional<Row> row = state.reader->next()) {
      return state.take(*std::move(row));
    }
    if (state.rows_of_file == 0) {
      throw Error(fmt::format("{}: dataset '{}' has no rows in this file; is it whole?",
                              state.file().path.string(), state.spec.name));
    }
    state.reader = nullptr;
  }
  state.missing.check(state.spec);
  return std::nullopt;
}

std::variant<std::vector<Turn>, DropReason> map_dataset_row(const DatasetSpec& spec,
                                                            const DatasetRow& row) {
  for (const ValueRule& rule : spec.keep) {
    if (!matches_rule(rule, *row.layout, row.row)) {
      return DropReason::kKeepRule;
    }
  }
  for (const ValueRule& rule : spec.drop) {
    if (matches_rule(rule, *row.layout, row.row)) {
      return DropReason::kDropRule;
    }
  }
  return map_row(*row.layout, row.row);
}

std::string_view drop_reason_name(DropReason reason) {
  return kDropReasonNames.at(static_cast<size_t>(reason));
}

int64_t DropCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t{0});
}

std::string DropCounts::text() const {
  std::string reasons;
  for (size_t i = 0; i < kNumDropReasons; ++i) {
    if (counts_.at(i) > 0) {
      reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", counts_.at(i),
                             kDropReasonNames.at(i));
    }
  }
  return reasons.empty() ? "none dropped" : fmt::format("{} dropped ({})", total(), reasons);
}

Dataset read_dataset(const DatasetSpec& spec) {
  Dataset dataset;
  dataset.name = spec.name;
  DatasetRows rows(spec, find_dataset_files(spec));
  SeenIds seen;
  while (const std::optional<DatasetRow> row = rows.next()) {
    auto mapped = map_dataset_row(spec, *row);
    if (const auto* const reason = std::get_if<DropReason>(&mapped)) {
      dataset.dropped.add(*reason);
      continue;
    }
    auto turns = std::get<std::vector<Turn>>(std::move(mapped));
    std::string id = seen.unique(content_id(turns));
    dataset.samples.push_back({.id = std::move(id),
                               .turns = std::move(turns),
                               .dataset = spec.name,
                               .source = row->source});
  }
  dataset.rows = rows.rows();
  return dataset;
}

}  // namespace sft
