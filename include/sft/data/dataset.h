#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
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
  int64_t of(DropReason reason) const { return counts_[static_cast<size_t>(reason)]; }
  int64_t total() const;
  // "29 dropped (21 too_long, 8 empty_response)", "none dropped".
  std::string text() const;

 private:
  std::array<int64_t, kNumDropReasons> counts_ = {};
};

struct SourceFile {
  std::string name;  // as the recipe has it
  uint64_t bytes = 0;
  std::string sha256;
};

// A dataset's samples in the order of its files and rows.
struct Dataset {
  std::string name;
  std::vector<SourceFile> files;
  int64_t rows = 0;
  DropCounts dropped;
  std::vector<Sample> samples;
};

// Reads all of it. Throws Error for a broken row, a missing column (with those the row has), a
// value of another type, each with its place; for columns that match no layout; and where there is
// no row at all.
Dataset read_dataset(const DatasetSpec& spec, const FetchDataset& fetch = no_hub);

}  // namespace sft
