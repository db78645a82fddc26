#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sft/data/dataset_spec.h"
#include "sft/data/sample.h"

namespace sft {

// Why a row is not trained on.
enum class DropReason {
  kKeepRule,          // the recipe's `keep` does not hold
  kDropRule,          // the recipe's `drop` holds
  kEmptyResponse,     // nothing but white space
  kEmptyInstruction,  // the same, where the layout has an instruction
  kRoles,             // messages that are not user, assistant, user, assistant, ...
  kTooLong,           // more tokens than max_length under one of the tokenizers
};
inline constexpr size_t kNumDropReasons = 6;
std::string_view drop_reason_name(DropReason reason);  // "empty_response"

// Rows dropped, by reason.
class DropCounts {
 public:
  void add(DropReason reason) { ++counts_[static_cast<size_t>(reason)]; }
  void set(DropReason reason, int64_t count) { counts_[static_cast<size_t>(reason)] = count; }
  int64_t of(DropReason reason) const { return counts_[static_cast<size_t>(reason)]; }
  int64_t total() const;
  // "29 dropped (21 too_long, 8 empty_response)", "none dropped".
  std::string text() const;

 private:
  std::array<int64_t, kNumDropReasons> counts_ = {};
};

// A row with what its file makes of it.
struct DatasetRow {
  Row row;
  std::shared_ptr<const RowLayout> layout;
  std::string source;  // "file:line" or "file: row N", the file as the recipe names it
};

// The rows of a dataset's files, one after another. Throws Error for a broken row, for columns that
// match no layout, for a file without rows, and at the end for an optional column that the recipe
// names and no row has; each with its place.
class DatasetRows {
 public:
  DatasetRows(const DatasetSpec& spec, std::vector<DatasetFile> files);
  ~DatasetRows();
  DatasetRows(const DatasetRows&) = delete;
  DatasetRows& operator=(const DatasetRows&) = delete;

  std::optional<DatasetRow> next();
  int64_t rows() const;  // read so far

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A row as turns, or why it is none, by the recipe's rules. Several threads may call it. Throws
// Error with the row's place for a missing column (with those the row has), or a value of another
// type.
std::variant<std::vector<Turn>, DropReason> map_dataset_row(const DatasetSpec& spec,
                                                            const DatasetRow& row);

// A dataset's samples in the order of its files and rows, all of them in memory.
struct Dataset {
  std::string name;
  int64_t rows = 0;
  DropCounts dropped;
  std::vector<Sample> samples;
};
Dataset read_dataset(const DatasetSpec& spec);

}  // namespace sft
