#include "data/set_builder.h"

#include <cstring>
#include <string_view>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "data/dataset_draw.h"
#include "data/measured_rows.h"
#include "data/seen_ids.h"
#include "data/spool.h"

#include "sft/core/error.h"
#include "sft/data/draw.h"
#include "sft/io/file.h"

namespace sft {
namespace {

constexpr size_t kExamplesOfADrop = 3;

// A sample in a spool: its lengths as they are in memory, then its line.
std::string record_of(const Sample& sample, const std::vector<SampleLength>& lengths) {
  std::string record(lengths.size() * sizeof(SampleLength), '\0');
  std::memcpy(record.data(), lengths.data(), record.size());
  return record + sample_line(sample);
}

// A dataset read and drawn from, its texts in a spool of its own.
struct DrawnDataset {
  std::unique_ptr<Spool> spool;
  std::vector<DatasetDraw::Drawn> samples;
};

class SetBuilder {
 public:
  SetBuilder(const DataConfig& config, const SetInputs& inputs, const PrepareOptions& options,
             std::filesystem::path folder)
      : config_(config), inputs_(inputs), options_(options), folder_(std::move(folder)) {
    for (const TokenizerSource& source : inputs.tokenizers) {
      tokenizers_.push_back(source.load());
    }
  }

  void build(PreparedSet& set) {
    std::vector<DrawnDataset> drawn;
    for (const DatasetInput& input : inputs_.datasets) {
      set.datasets.push_back(input.summary);
      drawn.push_back(read(input, config_.samples, config_.shuffle, set.datasets.back()));
    }
    for (const TokenizerSource& source : inputs_.tokenizers) {
      set.lengths.push_back({.tokenizer_sha256 = source.sha256, .training = {}, .validation = {}});
    }
    const std::vector<bool> held_out = choose_held_out(drawn);
    AtomicFile training(folder_ / "train.jsonl");
    std::optional<AtomicFile> validation;
    if (config_.validation.fraction > 0 || !inputs_.validation_datasets.empty()) {
      validation.emplace(folder_ / "validation.jsonl");
    }
    size_t index = 0;
    for (const DrawnDataset& dataset : drawn) {
      for (size_t place = 0; place < dataset.samples.size(); ++place, ++index) {
        const std::string record = record_at(dataset, place);
        if (!held_out.empty() && held_out[index]) {
          write_held_out(record, place, *validation, set);
        } else {
          training.write(line_of(record, &SetLengths::training, set) + "\n");
        }
      }
    }
    training.commit();
    write_validation_datasets(drawn, validation, set);
    if (validation) {
      validation->commit();
    }
  }

 private:
  DrawnDataset read(const DatasetInput& input, int64_t limit, bool is_shuffled,
                    PreparedDataset& summary);
  std::vector<bool> choose_held_out(const std::vector<DrawnDataset>& drawn) const;
  void write_held_out(const std::string& record, size_t place, AtomicFile& file, PreparedSet& set);
  void write_validation_datasets(const std::vector<DrawnDataset>& trained,
                                 std::optional<AtomicFile>& file, PreparedSet& set);

  static std::string record_at(const DrawnDataset& dataset, size_t place) {
    return dataset.spool->read(dataset.samples[place].place, dataset.samples[place].size);
  }
  // A record's line, its lengths counted in.
  std::string line_of(const std::string& record, TokenCounts SetLengths::*part, PreparedSet& set) {
    const size_t num_lengths = tokenizers_.size();
    std::vector<SampleLength> lengths(num_lengths);
    std::memcpy(lengths.data(), record.data(), num_lengths * sizeof(SampleLength));
    for (size_t i = 0; i < num_lengths; ++i) {
      (set.lengths[i].*part).add(lengths[i].tokens, lengths[i].targets);
    }
    return record.substr(num_lengths * sizeof(SampleLength));
  }

  const DataConfig& config_;
  const SetInputs& inputs_;
  const PrepareOptions& options_;
  std::filesystem::path folder_;
  std::vector<std::shared_ptr<const Tokenizer>> tokenizers_;
  int num_spools_ = 0;
};

DrawnDataset SetBuilder::read(const DatasetInput& input, int64_t limit, bool is_shuffled,
                              PreparedDataset& summary) {
  DrawnDataset drawn;
  drawn.spool = std::make_unique<Spool>(folder_ / fmt::format("spool-{}", num_spools_++));
  DatasetDraw draw({.dataset = summary.name,
                    .seed = config_.seed,
                    .limit = static_cast<size_t>(limit),
                    .is_shuffled = is_shuffled},
                   *drawn.spool);
  SeenIds seen;
  const auto take = [&](MeasuredRow& row, int64_t rows) {
    if (options_.on_rows) {
      options_.on_rows(summary.name, rows);
    }
    if (row.dropped) {
      summary.dropped.add(*row.dropped);
      if (auto& examples = summary.dropped_examples[*row.dropped];
          examples.size() < kExamplesOfADrop) {
        examples.push_back(row.sample.source);
      }
      return;
    }
    ++summary.kept;
    row.sample.id = seen.unique(row.sample.id);
    draw.add(row.sample.id, record_of(row.sample, row.lengths));
  };
  summary.rows = measure_rows(input,
                              {.layout = inputs_.layout,
                               .tokenizers = tokenizers_,
                               .max_length = config_.max_length,
                               .threads = options_.threads},
                              take);
  if (summary.kept == 0) {
    throw Error(
        fmt::format("dataset '{}': no samples are left of {} read: {}; data.max_length is {}",
                    summary.name, summary.rows, summary.dropped.text(), config_.max_length));
  }
  if (limit > summary.kept) {
    const std::string counts =
        fmt::format("dataset '{}': data.samples is {}, but there are {} of {} read: {}",
                    summary.name, limit, summary.kept, summary.rows, summary.dropped.text());
    if (!config_.samples_at_most) {
      throw Error(counts + "; to take what there is, set data.samples to {at_most: " +
                  std::to_string(limit) + "}");
    }
    spdlog::warn("[data] {}; these are taken", counts);
  }
  drawn.samples = draw.finish();
  summary.sampled = std::ssize(drawn.samples);
  return drawn;
}

// Which of all drawn samples, in their order, data.validation.fraction holds out; empty: none.
std::vector<bool> SetBuilder::choose_held_out(const std::vector<DrawnDataset>& drawn) const {
  if (config_.validation.fraction <= 0) {
    return {};
  }
  std::vector<std::string> contents;
  for (const DrawnDataset& dataset : drawn) {
    for (const DatasetDraw::Drawn& sample : dataset.samples) {
      contents.push_back(fmt::format("{:016x}", sample.content));
    }
  }
  const std::vector<size_t> places = held_out(config_.seed, config_.validation.fraction, contents);
  if (places.size() == contents.size()) {
    throw Error(fmt::format("data.validation.fraction {} of {} {} leaves none to train on",
                            config_.validation.fraction, places.size(),
                            places.size() == 1 ? "sample" : "samples"));
  }
  std::vector<bool> is_held_out(contents.size());
  for (const size_t place : places) {
    is_held_out[place] = true;
  }
  return is_held_out;
}

void SetBuilder::write_held_out(const std::string& record, size_t place, AtomicFile& file,
                                PreparedSet& set) {
  std::string line = line_of(record, &SetLengths::validation, set);
  line.pop_back();  // the object's brace
  file.write(fmt::format("{}, \"place\": {}}}\n", line, place));
}

// All of the validation datasets that is not trained on.
void SetBuilder::write_validation_datasets(const std::vector<DrawnDataset>& trained,
                                           std::optional<AtomicFile>& file, PreparedSet& set) {
  std::unordered_set<uint64_t> contents;
  for (const DrawnDataset& dataset : trained) {
    for (const DatasetDraw::Drawn& sample : dataset.samples) {
      contents.insert(sample.content);
    }
  }
  for (const DatasetInput& input : inputs_.validation_datasets) {
    PreparedDataset& summary = set.validation_datasets.emplace_back(input.summary);
    DrawnDataset drawn = read(input, /*limit=*/0, /*is_shuffled=*/false, summary);
    std::erase_if(drawn.samples, [&](const DatasetDraw::Drawn& sample) {
      return contents.contains(sample.content);
    });
    if (drawn.samples.empty()) {
      throw Error(fmt::format("data.validation: all {} samples of '{}' are trained on",
                              summary.kept, summary.name));
    }
    summary.sampled = std::ssize(drawn.samples);
    for (size_t place = 0; place < drawn.samples.size(); ++place) {
      file->write(line_of(record_at(drawn, place), &SetLengths::validation, set) + "\n");
    }
  }
}

}  // namespace

void build_set(const DataConfig& config, const SetInputs& inputs, const PrepareOptions& options,
               const std::filesystem::path& folder, PreparedSet& set) {
  SetBuilder(config, inputs, options, folder).build(set);
}

}  // namespace sft
