#include "sft/data/dataset.h"

#include <numeric>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "data/row_layout.h"

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

constexpr std::array<std::string_view, kNumDropReasons> kDropReasonNames = {
    "keep_rule", "drop_rule", "empty_response", "empty_instruction", "roles", "too_long"};

SourceFile describe(const DatasetFile& file) {
  const MappedFile mapped(file.path);
  Sha256 hash;
  hash.update(mapped.bytes());
  return {.name = file.name, .bytes = mapped.bytes().size(), .sha256 = hash.hex()};
}

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

class DatasetBuilder {
 public:
  explicit DatasetBuilder(const DatasetSpec& spec) : spec_(spec), missing_(spec.layout) {
    dataset_.name = spec.name;
  }

  void add_file(const DatasetFile& file) {
    dataset_.files.push_back(describe(file));
    const RowFormat format = spec_.format ? *spec_.format : format_of(file.path);
    const auto reader = open_rows(file.path, format);
    std::optional<RowLayout> layout = spec_.layout;
    while (const std::optional<Row> row = reader->next()) {
      check_object(*row);
      if (!layout) {
        layout = recognise_layout(*row);
      }
      missing_.note(row->value);
      ++dataset_.rows;
      add_row(*layout, *row);
    }
  }

  Dataset finish() {
    if (dataset_.rows == 0) {
      throw Error(fmt::format("{}: dataset '{}' has no rows", spec_.path.string(), spec_.name));
    }
    missing_.check(spec_);
    return std::move(dataset_);
  }

 private:
  void add_row(const RowLayout& layout, const Row& row) {
    for (const ValueRule& rule : spec_.keep) {
      if (!matches_rule(rule, layout, row)) {
        dataset_.dropped.add(DropReason::kKeepRule);
        return;
      }
    }
    for (const ValueRule& rule : spec_.drop) {
      if (matches_rule(rule, layout, row)) {
        dataset_.dropped.add(DropReason::kDropRule);
        return;
      }
    }
    auto mapped = map_row(layout, row);
    if (const auto* const reason = std::get_if<DropReason>(&mapped)) {
      dataset_.dropped.add(*reason);
      return;
    }
    add_sample(std::get<std::vector<Turn>>(std::move(mapped)), row.where);
  }

  void add_sample(std::vector<Turn> turns, const std::string& where) {
    std::string id = content_id(turns);
    if (const int64_t times = ++times_seen_[id]; times > 1) {
      id += "-" + std::to_string(times);
    }
    dataset_.samples.push_back({.id = std::move(id),
                                .turns = std::move(turns),
                                .dataset = dataset_.name,
                                .source = where});
  }

  const DatasetSpec& spec_;
  Dataset dataset_;
  MissingColumns missing_;
  std::unordered_map<std::string, int64_t> times_seen_;
};

}  // namespace

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

Dataset read_dataset(const DatasetSpec& spec, const FetchDataset& fetch) {
  DatasetBuilder builder(spec);
  for (const DatasetFile& file : find_dataset_files(spec, fetch)) {
    builder.add_file(file);
  }
  return builder.finish();
}

}  // namespace sft
