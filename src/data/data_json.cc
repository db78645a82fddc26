#include "sft/data/prepare.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

Json dropped_json(const DropCounts& dropped) {
  Json object = Json::object();
  for (size_t i = 0; i < kNumDropReasons; ++i) {
    const auto reason = static_cast<DropReason>(i);
    object[std::string(drop_reason_name(reason))] = dropped.of(reason);
  }
  return object;
}

Json dataset_json(const PreparedDataset& dataset) {
  Json files = Json::array();
  for (const SourceFile& file : dataset.files) {
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return {{"name", dataset.name}, {"files", std::move(files)},
          {"read", dataset.rows}, {"dropped", dropped_json(dataset.dropped)},
          {"kept", dataset.kept}, {"sampled", dataset.ids.size()},
          {"ids", dataset.ids}};
}

Json datasets_json(const std::vector<PreparedDataset>& datasets) {
  Json list = Json::array();
  for (const PreparedDataset& dataset : datasets) {
    list.push_back(dataset_json(dataset));
  }
  return list;
}

Json tokens_json(const std::vector<EncodedSample>& samples) {
  const TokenCounts counts = count_tokens(samples);
  return {{"samples", counts.samples},
          {"tokens", counts.tokens},
          {"response_tokens", counts.targets},
          {"mean_tokens", counts.data_size().mean_tokens},
          {"max_tokens", counts.max_tokens}};
}

Json layout_json(const Template& layout) {
  const Json content = {{"turn", layout.turn}, {"separator", layout.separator}};
  return {{"name", layout.name}, {"sha256", sha256_hex(content.dump())}};
}

}  // namespace

Json data_json(const DataConfig& config, const PreparedData& data) {
  Json json = {{"template", layout_json(data.layout)},
               {"seed", config.seed},
               {"shuffle", config.shuffle},
               {"max_length", config.max_length},
               {"fits_tokenizers", config.fits_tokenizers.size()},
               {"datasets", datasets_json(data.datasets)},
               {"training", tokens_json(data.training)}};
  if (!data.validation.empty()) {
    Json validation = tokens_json(data.validation);
    if (data.validation_datasets.empty()) {
      Json ids = Json::array();
      for (const EncodedSample& sample : data.validation) {
        ids.push_back(sample.id);
      }
      validation["ids"] = std::move(ids);
    } else {
      validation["datasets"] = datasets_json(data.validation_datasets);
    }
    json["validation"] = std::move(validation);
  }
  return json;
}

}  // namespace sft
