#include <utility>

#include "data/set_json.h"

#include "sft/data/prepare.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

Json dataset_json(const PreparedDataset& dataset, const std::vector<std::string>& ids) {
  return {{"name", dataset.name},
          {"files", source_files_json(dataset.files)},
          {"recipe_sha256", dataset.recipe_sha256},
          {"read", dataset.rows},
          {"dropped", dropped_json(dataset.dropped)},
          {"kept", dataset.kept},
          {"sampled", dataset.sampled},
          {"ids", ids}};
}

Json datasets_json(const std::vector<PreparedDataset>& datasets,
                   const std::vector<std::vector<std::string>>& ids) {
  Json list = Json::array();
  for (size_t i = 0; i < datasets.size(); ++i) {
    list.push_back(dataset_json(datasets[i], ids.at(i)));
  }
  return list;
}

Json tokens_json(const TokenCounts& counts) {
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

Json data_json(const DataConfig& config, const DataSummary& data) {
  Json tokenizers = Json::array();
  for (const SetLengths& lengths : data.set.lengths) {
    tokenizers.push_back(lengths.tokenizer_sha256);
  }
  Json json = {{"set", data.set.sha256},
               {"template", layout_json(data.layout)},
               {"seed", config.seed},
               {"shuffle", config.shuffle},
               {"max_length", config.max_length},
               {"tokenizers", std::move(tokenizers)},
               {"datasets", datasets_json(data.set.datasets, data.ids)},
               {"training", tokens_json(data.training)}};
  if (!data.validation_ids.empty()) {
    Json validation = tokens_json(data.validation);
    if (data.set.validation_datasets.empty()) {
      validation["ids"] = data.validation_ids.front();
    } else {
      validation["datasets"] = datasets_json(data.set.validation_datasets, data.validation_ids);
    }
    json["validation"] = std::move(validation);
  }
  return json;
}

}  // namespace sft
