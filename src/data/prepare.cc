#include "sft/data/prepare.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "data/worker_pool.h"

#include "sft/core/error.h"
#include "sft/io/jsonl.h"

namespace sft {
namespace {

constexpr size_t kBatchLines = 64;

// What a line says of its sample besides the text.
struct LineHead {
  std::string dataset;
  std::string id;
  size_t place = 0;  // of one that a fraction holds out: in its dataset's draw
};

LineHead read_head(const JsonlReader::Row& line) {
  return {.dataset = json_member<std::string>(line.value, "dataset", line.where),
          .id = json_member<std::string>(line.value, "id", line.where),
          .place = line.value.contains("place")
                       ? static_cast<size_t>(json_member<int64_t>(line.value, "place", line.where))
                       : 0};
}

// Puts together the lists of ids of a summary from the lines of its set's files. Calls:
// add_training* add_validation* finish.
class IdLists {
 public:
  explicit IdLists(DataSummary& data)
      : data_(data),
        is_fraction_(data.set.validation_datasets.empty()),
        places_(places_of(data.set.datasets)),
        validation_places_(places_of(data.set.validation_datasets)),
        held_out_(data.set.datasets.size()) {
    data_.ids.resize(data.set.datasets.size());
  }

  void add_training(LineHead head) {
    data_.ids.at(places_.at(head.dataset)).push_back(std::move(head.id));
  }
  void add_validation(LineHead head) {
    data_.validation_ids.resize(is_fraction_ ? 1 : validation_places_.size());
    data_.validation_ids.at(is_fraction_ ? 0 : validation_places_.at(head.dataset))
        .push_back(head.id);
    if (is_fraction_) {
      held_out_.at(places_.at(head.dataset)).push_back(std::move(head));
    }
  }
  void finish() {
    for (size_t i = 0; i < held_out_.size(); ++i) {
      merge(data_.ids[i], held_out_[i]);
    }
  }

 private:
  static std::unordered_map<std::string, size_t> places_of(
      const std::vector<PreparedDataset>& datasets) {
    std::unordered_map<std::string, size_t> places;
    for (size_t i = 0; i < datasets.size(); ++i) {
      places.emplace(datasets[i].name, i);
    }
    return places;
  }

  // Puts what was held out, in the order of the draw, back where it stood in it.
  static void merge(std::vector<std::string>& ids, const std::vector<LineHead>& held_out) {
    std::vector<std::string> merged;
    merged.reserve(ids.size() + held_out.size());
    auto next = held_out.begin();
    for (std::string& id : ids) {
      for (; next != held_out.end() && next->place == merged.size(); ++next) {
        merged.push_back(next->id);
      }
      merged.push_back(std::move(id));
    }
    for (; next != held_out.end(); ++next) {
      merged.push_back(next->id);
    }
    ids = std::move(merged);
  }

  DataSummary& data_;
  bool is_fraction_;
  std::unordered_map<std::string, size_t> places_;
  std::unordered_map<std::string, size_t> validation_places_;
  std::vector<std::vector<LineHead>> held_out_;
};

struct LineBatch {
  std::vector<JsonlReader::Row> lines;
  std::vector<LineHead> heads;
  std::vector<EncodedSample> samples;
  ParityReport parity;
};

std::unique_ptr<LineBatch> read_batch(JsonlReader& reader) {
  auto batch = std::make_unique<LineBatch>();
  while (batch->lines.size() < kBatchLines) {
    std::optional<JsonlReader::Row> line = reader.next();
    if (!line) {
      break;
    }
    batch->lines.push_back(*std::move(line));
  }
  return batch->lines.empty() ? nullptr : std::move(batch);
}

struct Encoder {
  const Template& layout;
  const Tokenizer& tokenizer;
  LossTarget loss_on;
  int threads;

  void encode(LineBatch& batch) const {
    for (const JsonlReader::Row& line : batch.lines) {
      const Sample sample = parse_sample_line(line.value, line.where);
      batch.heads.push_back(read_head(line));
      EncodedSample encoded = encode_sample(sample, layout, tokenizer, LossTarget::kResponse);
      batch.parity.add(compare_prompts(sample, encoded, layout, tokenizer));
      if (loss_on == LossTarget::kAll) {
        encoded = encode_sample(sample, layout, tokenizer, loss_on);
      }
      batch.samples.push_back(std::move(encoded));
    }
  }

  // The samples of a set's file, in their order; `take` gets each batch's heads and parity.
  std::vector<EncodedSample> encode_file(const std::filesystem::path& path,
                                         const std::function<void(LineBatch&)>& take) const {
    std::vector<EncodedSample> samples;
    JsonlReader reader(path);
    run_in_order<LineBatch>(threads, {.make = [&] { return read_batch(reader); },
                                      .work = [&](LineBatch& batch) { encode(batch); },
                                      .take =
                                          [&](LineBatch& batch) {
                                            std::ranges::move(batch.samples,
                                                              std::back_inserter(samples));
                                            take(batch);
                                          }});
    return samples;
  }
};

bool has_validation(const PreparedSet& set) {
  std::error_code error;
  return std::filesystem::exists(set.validation(), error);
}

void read_ids(DataSummary& data) {
  IdLists ids(data);
  JsonlReader training(data.set.training());
  while (const auto line = training.next()) {
    ids.add_training(read_head(*line));
  }
  if (has_validation(data.set)) {
    JsonlReader validation(data.set.validation());
    while (const auto line = validation.next()) {
      ids.add_validation(read_head(*line));
    }
  }
  ids.finish();
}

DataSummary summarize_without_ids(const DataConfig& config, const TokenizerSource& own,
                                  const PrepareOptions& options) {
  DataSummary data;
  data.layout = load_template(config.layout);
  data.set = find_or_prepare_set(config, own, options);
  const SetLengths& lengths = data.set.lengths_of(own.sha256);
  data.training = lengths.training;
  data.validation = lengths.validation;
  if (options.loss_on == LossTarget::kAll) {
    // All tokens but each sample's first are trained on.
    for (TokenCounts* const counts : {&data.training, &data.validation}) {
      counts->targets = counts->tokens - counts->samples;
    }
  }
  return data;
}

}  // namespace

DataSummary summarize_data(const DataConfig& config, const TokenizerSource& own,
                           const PrepareOptions& options) {
  DataSummary data = summarize_without_ids(config, own, options);
  read_ids(data);
  return data;
}

PreparedData prepare(const DataConfig& config, const TokenizerSource& own,
                     const PrepareOptions& options) {
  PreparedData data;
  data.summary = summarize_without_ids(config, own, options);
  const std::shared_ptr<const Tokenizer> tokenizer = own.load();
  const Encoder encoder = {.layout = data.summary.layout,
                           .tokenizer = *tokenizer,
                           .loss_on = options.loss_on,
                           .threads = options.threads};
  IdLists ids(data.summary);
  const PreparedSet& set = data.summary.set;
  data.training = encoder.encode_file(set.training(), [&](LineBatch& batch) {
    data.parity.add(batch.parity);
    for (LineHead& head : batch.heads) {
      ids.add_training(std::move(head));
    }
  });
  if (has_validation(set)) {
    data.validation = encoder.encode_file(set.validation(), [&](LineBatch& batch) {
      for (LineHead& head : batch.heads) {
        ids.add_validation(std::move(head));
      }
    });
  }
  ids.finish();
  return data;
}

std::vector<std::string> PreparedData::training_ids() const {
  std::vector<std::string> ids;
  ids.reserve(training.size());
  for (const EncodedSample& sample : training) {
    ids.push_back(sample.id);
  }
  return ids;
}

TokenCounts count_tokens(const std::vector<EncodedSample>& samples) {
  TokenCounts counts;
  for (const EncodedSample& sample : samples) {
    counts.add(std::ssize(sample.token_ids), sample.num_targets());
  }
  return counts;
}

}  // namespace sft
