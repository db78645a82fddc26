#include "train/guessed_tokens.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include <ATen/Parallel.h>
#include <spdlog/spdlog.h>

#include "sft/core/error.h"
#include "sft/data/dataset_spec.h"
#include "sft/data/prepare.h"
#include "sft/data/prepared_set.h"
#include "sft/io/sha256.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

constexpr size_t kBytesPerToken = 4;

// Ends tokens where a real tokenizer might; its ids mean nothing.
class GuessingTokenizer final : public Tokenizer {
 public:
  Encoding encode(std::string_view text, SpecialTokens /*special*/) const override {
    Encoding encoding;
    for (size_t begin = 0; begin < text.size(); begin += kBytesPerToken) {
      encoding.ids.push_back(0);
      encoding.ends.push_back(static_cast<uint32_t>(std::min(begin + kBytesPerToken, text.size())));
    }
    return encoding;
  }
  std::string token_bytes(int32_t /*id*/) const override { return {}; }
  std::string token(int32_t /*id*/) const override { return {}; }
  std::optional<int32_t> id_of(std::string_view /*token*/) const override { return {}; }
  bool is_special(int32_t id) const override { return id == kEnd; }
  int32_t vocab_size() const override { return kEnd + 1; }
  std::optional<int32_t> bos_id() const override { return {}; }
  std::optional<int32_t> eos_id() const override { return kEnd; }

 private:
  static constexpr int32_t kEnd = 1;
};

// As many samples as the config draws, of the tokens that the recipes state; nothing where one
// states none, or all samples are taken.
std::optional<DataSize> stated_data_size(const DataConfig& data) {
  DataSize size;
  double tokens = 0;
  for (const std::string& name : data.datasets) {
    const DatasetSpec spec = load_dataset_spec(name);
    if (spec.mean_tokens <= 0 || data.samples == 0) {
      return std::nullopt;
    }
    size.samples += data.samples;
    tokens += spec.mean_tokens * static_cast<double>(data.samples);
  }
  size.mean_tokens = tokens / static_cast<double>(size.samples);
  size.mean_response_tokens = size.mean_tokens;  // at most
  size.max_tokens = data.max_length;
  return size;
}

}  // namespace

DataSize guess_data_size(const TrainConfig& config, const TrainRunOptions& options) {
  const TokenizerSource guess = {
      .name = "guess", .sha256 = sha256_hex("a token for each four bytes"), .load = [] {
        return std::make_shared<const GuessingTokenizer>();
      }};
  DataConfig data = config.data;
  data.fits_tokenizers.clear();
  PrepareOptions prepare_options;
  prepare_options.loss_on = config.train.loss_on;
  prepare_options.threads = at::get_num_threads();
  prepare_options.fetch = options.fetch;
  try {
    return summarize_data(data, guess, prepare_options).training.data_size();
  } catch (const UsageError&) {
    throw;
  } catch (const Error& fault) {
    const std::optional<DataSize> stated = stated_data_size(data);
    if (!stated.has_value()) {
      throw;
    }
    spdlog::warn("[train] planned from the mean_tokens of the datasets' recipes: {}", fault.what());
    return *stated;
  }
}

}  // namespace sft
