#include "data/measured_rows.h"

#include <utility>

#include "data/worker_pool.h"

namespace sft {
namespace {

constexpr size_t kBatchRows = 64;

struct RowBatch {
  std::vector<DatasetRow> rows;
  std::vector<MeasuredRow> measured;
  int64_t rows_so_far = 0;
};

MeasuredRow measure_row(const DatasetSpec& spec, const DatasetRow& row, const Measure& measure) {
  MeasuredRow measured;
  measured.sample.source = row.source;
  auto mapped = map_dataset_row(spec, row);
  if (const auto* const reason = std::get_if<DropReason>(&mapped)) {
    measured.dropped = *reason;
    return measured;
  }
  Sample& sample = measured.sample;
  sample.dataset = spec.name;
  sample.turns = std::get<std::vector<Turn>>(std::move(mapped));
  for (const auto& tokenizer : measure.tokenizers) {
    const EncodedSample encoded =
        encode_sample(sample, measure.layout, *tokenizer, LossTarget::kResponse);
    if (std::ssize(encoded.token_ids) > measure.max_length) {
      measured.dropped = DropReason::kTooLong;
      return measured;
    }
    measured.lengths.push_back({.tokens = static_cast<uint32_t>(encoded.token_ids.size()),
                                .targets = static_cast<uint32_t>(encoded.num_targets())});
  }
  sample.id = content_id(sample.turns);
  return measured;
}

}  // namespace

int64_t measure_rows(const DatasetInput& input, const Measure& measure,
                     const std::function<void(MeasuredRow&, int64_t rows)>& take) {
  DatasetRows rows(input.spec, input.files);
  run_in_order<RowBatch>(measure.threads,
                         {.make =
                              [&] {
                                auto batch = std::make_unique<RowBatch>();
                                while (batch->rows.size() < kBatchRows) {
                                  std::optional<DatasetRow> row = rows.next();
                                  if (!row) {
                                    break;
                                  }
                                  batch->rows.push_back(*std::move(row));
                                }
                                batch->rows_so_far = rows.rows();
                                return batch->rows.empty() ? nullptr : std::move(batch);
                              },
                          .work =
                              [&](RowBatch& batch) {
                                for (const DatasetRow& row : batch.rows) {
                                  batch.measured.push_back(measure_row(input.spec, row, measure));
                                }
                                batch.rows.clear();
                              },
                          .take =
                              [&](RowBatch& batch) {
                                for (MeasuredRow& row : batch.measured) {
                                  take(row, batch.rows_so_far);
                                }
                              }});
  return rows.rows();
}

}  // namespace sft
