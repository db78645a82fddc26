#include "data/set_json.h"

#include <utility>

#include <fmt/format.h>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr std::string_view kFormatNames[] = {"jsonl", "json", "csv", "parquet"};

Json rules_json(const std::vector<ValueRule>& rules) {
  Json object = Json::object();
  for (const ValueRule& rule : rules) {
    object[rule.column] = rule.values;
  }
  return object;
}

Json layout_json(const FieldsLayout& fields) {
  return {{"instruction", fields.instruction},
          {"input", fields.input},
          {"response", fields.response},
          {"history", fields.history}};
}

Json layout_json(const MessagesLayout& messages) {
  return {{"field", messages.field},
          {"role", messages.role},
          {"content", messages.content},
          {"user", messages.user},
          {"assistant", messages.assistant},
          {"turns", messages.turns == MessagesLayout::Turns::kFirst ? "first" : "all"}};
}

Json counts_json(const TokenCounts& counts) {
  Json lengths = Json::array();
  for (const int64_t count : counts.by_length) {
    lengths.push_back(count);
  }
  return {{"samples", counts.samples},
          {"tokens", counts.tokens},
          {"response_tokens", counts.targets},
          {"max_tokens", counts.max_tokens},
          {"by_length", std::move(lengths)}};
}

TokenCounts read_counts(const Json& json, const std::string& where) {
  TokenCounts counts;
  counts.samples = json_member<int64_t>(json, "samples", where);
  counts.tokens = json_member<int64_t>(json, "tokens", where);
  counts.targets = json_member<int64_t>(json, "response_tokens", where);
  counts.max_tokens = json_member<int64_t>(json, "max_tokens", where);
  const Json lengths = json_member<Json>(json, "by_length", where);
  if (!lengths.is_array() || lengths.size() != counts.by_length.size()) {
    throw Error(where + ": 'by_length' is not of this version");
  }
  for (size_t i = 0; i < lengths.size(); ++i) {
    counts.by_length.at(i) = lengths[i].get<int64_t>();
  }
  return counts;
}

Json examples_json(const PreparedDataset& dataset) {
  Json object = Json::object();
  for (const auto& [reason, sources] : dataset.dropped_examples) {
    object[std::string(drop_reason_name(reason))] = sources;
  }
  return object;
}

Json datasets_json(const std::vector<PreparedDataset>& datasets) {
  Json list = Json::array();
  for (const PreparedDataset& dataset : datasets) {
    list.push_back({{"name", dataset.name},
                    {"recipe_sha256", dataset.recipe_sha256},
                    {"files", source_files_json(dataset.files)},
                    {"read", dataset.rows},
                    {"dropped", dropped_json(dataset.dropped)},
                    {"dropped_examples", examples_json(dataset)},
                    {"kept", dataset.kept},
                    {"sampled", dataset.sampled}});
  }
  return list;
}

PreparedDataset read_dataset_json(const Json& json, const std::string& where) {
  PreparedDataset dataset;
  dataset.name = json_member<std::string>(json, "name", where);
  dataset.recipe_sha256 = json_member<std::string>(json, "recipe_sha256", where);
  for (const Json& file : json_member<Json>(json, "files", where)) {
    dataset.files.push_back(
        {.name = json_member<std::string>(file, "name", where),
         .bytes = static_cast<uint64_t>(json_member<int64_t>(file, "bytes", where)),
         .sha256 = json_member<std::string>(file, "sha256", where)});
  }
  dataset.rows = json_member<int64_t>(json, "read", where);
  const Json dropped = json_member<Json>(json, "dropped", where);
  const Json examples = json_member<Json>(json, "dropped_examples", where);
  for (size_t i = 0; i < kNumDropReasons; ++i) {
    const auto reason = static_cast<DropReason>(i);
    const std::string name(drop_reason_name(reason));
    dataset.dropped.set(reason, json_member<int64_t>(dropped, name, where));
    if (examples.contains(name)) {
      dataset.dropped_examples[reason] = examples[name].get<std::vector<std::string>>();
    }
  }
  dataset.kept = json_member<int64_t>(json, "kept", where);
  dataset.sampled = json_member<int64_t>(json, "sampled", where);
  return dataset;
}

std::vector<PreparedDataset> read_datasets_json(const Json& list, const std::string& where) {
  std::vector<PreparedDataset> datasets;
  for (const Json& dataset : list) {
    datasets.push_back(read_dataset_json(dataset, where));
  }
  return datasets;
}

}  // namespace

Json source_files_json(const std::vector<SourceFile>& files) {
  Json list = Json::array();
  for (const SourceFile& file : files) {
    list.push_back({{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  return list;
}

Json dropped_json(const DropCounts& dropped) {
  Json object = Json::object();
  for (size_t i = 0; i < kNumDropReasons; ++i) {
    const auto reason = static_cast<DropReason>(i);
    object[std::string(drop_reason_name(reason))] = dropped.of(reason);
  }
  return object;
}

Json set_json(const PreparedSet& set, const Json& key) {
  Json lengths = Json::array();
  for (const SetLengths& by_tokenizer : set.lengths) {
    lengths.push_back({{"tokenizer_sha256", by_tokenizer.tokenizer_sha256},
                       {"training", counts_json(by_tokenizer.training)},
                       {"validation", counts_json(by_tokenizer.validation)}});
  }
  return {{"key", key},
          {"datasets", datasets_json(set.datasets)},
          {"validation_datasets", datasets_json(set.validation_datasets)},
          {"lengths", std::move(lengths)}};
}

void read_set_json(const Json& json, const std::string& where, PreparedSet& set) {
  set.datasets = read_datasets_json(json_member<Json>(json, "datasets", where), where);
  set.validation_datasets =
      read_datasets_json(json_member<Json>(json, "validation_datasets", where), where);
  for (const Json& lengths : json_member<Json>(json, "lengths", where)) {
    set.lengths.push_back(
        {.tokenizer_sha256 = json_member<std::string>(lengths, "tokenizer_sha256", where),
         .training = read_counts(json_member<Json>(lengths, "training", where), where),
         .validation = read_counts(json_member<Json>(lengths, "validation", where), where)});
  }
}

Json recipe_json(const DatasetSpec& spec) {
  return {{"format", spec.format ? Json(kFormatNames[static_cast<size_t>(*spec.format)]) : Json()},
          {"layout", spec.layout ? std::visit([](const auto& kind) { return layout_json(kind); },
                                              *spec.layout)
                                 : Json()},
          {"keep", rules_json(spec.keep)},
          {"drop", rules_json(spec.drop)}};
}

}  // namespace sft
