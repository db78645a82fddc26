#include "sft/data/prepare.h"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "data/parallel_for.h"

#include "sft/core/error.h"
#include "sft/data/draw.h"

namespace sft {
namespace {

// The run's tokenizer encodes; the others only measure.
struct Encoder {
  const Template& layout;
  const Tokenizer& tokenizer;
  std::vector<std::unique_ptr<Tokenizer>> others;
  size_t max_length = 0;
  PrepareOptions options;

  // None for a sample that is too long for one of them.
  std::optional<EncodedSample> encode(const Sample& sample) const {
    for (const std::unique_ptr<Tokenizer>& other : others) {
      if (encode_sample(sample, layout, *other, options.loss_on).token_ids.size() > max_length) {
        return std::nullopt;
      }
    }
    EncodedSample encoded = encode_sample(sample, layout, tokenizer, options.loss_on);
    if (encoded.token_ids.size() > max_length) {
      return std::nullopt;
    }
    return encoded;
  }

  std::vector<std::optional<EncodedSample>> encode_all(const std::vector<Sample>& samples) const {
    std::vector<std::optional<EncodedSample>> encoded(samples.size());
    parallel_for(samples.size(), options.threads,
                 [&](size_t i) { encoded[i] = encode(samples[i]); });
    return encoded;
  }
};

// A dataset read, with its samples that are short enough.
struct EncodedDataset {
  PreparedDataset summary;
  std::vector<EncodedSample> samples;
};

EncodedDataset read_encoded(const std::string& name_or_path, const Encoder& encoder) {
  Dataset dataset = read_dataset(load_dataset_spec(name_or_path), encoder.options.fetch);
  EncodedDataset encoded;
  for (std::optional<EncodedSample>& sample : encoder.encode_all(dataset.samples)) {
    if (sample) {
      encoded.samples.push_back(std::move(*sample));
    } else {
      dataset.dropped.add(DropReason::kTooLong);
    }
  }
  encoded.summary = {.name = std::move(dataset.name),
                     .files = std::move(dataset.files),
                     .rows = dataset.rows,
                     .dropped = dataset.dropped,
                     .kept = static_cast<int64_t>(encoded.samples.size()),
                     .ids = {}};
  if (encoded.samples.empty()) {
    throw Error(
        fmt::format("dataset '{}': no samples are left of {} read: {}; data.max_length is {}",
                    encoded.summary.name, encoded.summary.rows, encoded.summary.dropped.text(),
                    encoder.max_length));
  }
  return encoded;
}

std::vector<std::string> ids_of(const std::vector<EncodedSample>& samples) {
  std::vector<std::string> ids;
  ids.reserve(samples.size());
  for (const EncodedSample& sample : samples) {
    ids.push_back(sample.id);
  }
  return ids;
}

// Keeps the drawn samples, in the order of the draw.
void draw(const DataConfig& config, EncodedDataset& dataset) {
  const PreparedDataset& summary = dataset.summary;
  if (config.samples > summary.kept) {
    throw Error(fmt::format("dataset '{}': data.samples is {}, but there are {} of {} read: {}",
                            summary.name, config.samples, summary.kept, summary.rows,
                            summary.dropped.text()));
  }
  if (config.shuffle) {
    std::vector<EncodedSample> drawn;
    drawn.reserve(dataset.samples.size());
    for (const size_t place : draw_order(config.seed, summary.name, ids_of(dataset.samples))) {
      drawn.push_back(std::move(dataset.samples[place]));
    }
    dataset.samples = std::move(drawn);
  }
  if (config.samples > 0) {
    dataset.samples.resize(static_cast<size_t>(config.samples));
  }
  dataset.summary.ids = ids_of(dataset.samples);
}

void append(std::vector<EncodedSample>& all, std::vector<EncodedSample> more) {
  std::ranges::move(more, std::back_inserter(all));
}

void read_training(const DataConfig& config, const Encoder& encoder, PreparedData& data) {
  std::set<std::string> names;
  for (const std::string& name : config.datasets) {
    EncodedDataset dataset = read_encoded(name, encoder);
    if (!names.insert(dataset.summary.name).second) {
      throw UsageError(
          fmt::format("data.datasets: two datasets are called '{}', the second by "
                      "'{}'; give it another name",
                      dataset.summary.name, name));
    }
    draw(config, dataset);
    data.datasets.push_back(std::move(dataset.summary));
    append(data.training, std::move(dataset.samples));
  }
}

// All of the validation datasets that is not trained on.
void read_validation(const DataConfig& config, const Encoder& encoder, PreparedData& data) {
  std::unordered_set<std::string> trained;
  for (const EncodedSample& sample : data.training) {
    trained.insert(without_suffix(sample.id));
  }
  for (const std::string& name : config.validation.datasets) {
    EncodedDataset dataset = read_encoded(name, encoder);
    std::erase_if(dataset.samples, [&](const EncodedSample& sample) {
      return trained.contains(without_suffix(sample.id));
    });
    if (dataset.samples.empty()) {
      throw Error(fmt::format("data.validation: all {} samples of '{}' are trained on",
                              dataset.summary.kept, dataset.summary.name));
    }
    dataset.summary.ids = ids_of(dataset.samples);
    data.validation_datasets.push_back(std::move(dataset.summary));
    append(data.validation, std::move(dataset.samples));
  }
}

void hold_out(const DataConfig& config, PreparedData& data) {
  const std::vector<size_t> places =
      held_out(config.seed, config.validation.fraction, ids_of(data.training));
  if (places.size() == data.training.size()) {
    throw Error(fmt::format("data.validation.fraction {} of {} {} leaves none to train on",
                            config.validation.fraction, places.size(),
                            places.size() == 1 ? "sample" : "samples"));
  }
  std::vector<EncodedSample> rest;
  auto place = places.begin();
  for (size_t i = 0; i < data.training.size(); ++i) {
    const bool is_held_out = place != places.end() && *place == i;
    (is_held_out ? data.validation : rest).push_back(std::move(data.training[i]));
    place += is_held_out ? 1 : 0;
  }
  data.training = std::move(rest);
}

}  // namespace

DataSize TokenCounts::data_size() const {
  const auto count = static_cast<double>(std::max<int64_t>(samples, 1));
  return {.samples = samples,
          .mean_tokens = static_cast<double>(tokens) / count,
          .mean_response_tokens = static_cast<double>(targets) / count,
          .max_tokens = max_tokens};
}

std::vector<std::string> PreparedData::training_ids() const {
  return ids_of(training);
}

TokenCounts count_tokens(const std::vector<EncodedSample>& samples) {
  TokenCounts counts;
  for (const EncodedSample& sample : samples) {
    const auto tokens = static_cast<int64_t>(sample.token_ids.size());
    ++counts.samples;
    counts.tokens += tokens;
    counts.targets += sample.num_targets();
    counts.max_tokens = std::max(counts.max_tokens, tokens);
  }
  return counts;
}

PreparedData prepare(const DataConfig& config, const Tokenizer& tokenizer,
                     const PrepareOptions& options) {
  PreparedData data;
  data.layout = load_template(config.layout);
  Encoder encoder = {.layout = data.layout,
                     .tokenizer = tokenizer,
                     .others = {},
                     .max_length = static_cast<size_t>(config.max_length),
                     .options = options};
  for (const std::string& name : config.fits_tokenizers) {
    encoder.others.push_back(options.load_tokenizer(name));
  }
  read_training(config, encoder, data);
  if (!config.validation.datasets.empty()) {
    read_validation(config, encoder, data);
  } else if (config.validation.fraction > 0) {
    hold_out(config, data);
  }
  return data;
}

}  // namespace sft
