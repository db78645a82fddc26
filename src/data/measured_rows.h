#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "data/set_builder.h"

#include "sft/data/encoded_sample.h"

namespace sft {

// Length of a sample under one tokenizer.
struct SampleLength {
  uint32_t tokens = 0;
  uint32_t targets = 0;
};

// What a dataset's rows are measured by.
struct Measure {
  const Template& layout;
  const std::vector<std::shared_ptr<const Tokenizer>>& tokenizers;
  int64_t max_length = 0;
  int threads = 1;
};

// A row with what has become of it: a sample with a length under each tokenizer, or the reason why
// it is dropped.
struct MeasuredRow {
  std::optional<DropReason> dropped;
  Sample sample;  // its id without suffix
  std::vector<SampleLength> lengths;
};

// Reads a dataset on the caller's thread and maps and measures its rows on several; `take` gets
// them in their order, again on the caller's thread. A few hundred rows are in memory at a time.
// Returns the number of rows.
int64_t measure_rows(const DatasetInput& input, const Measure& measure,
                     const std::function<void(MeasuredRow&, int64_t rows)>& take);

}  // namespace sft
