#include "sft/results/result_table.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/io/file.h"

namespace sft {
namespace {

Json json_or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json(nullptr);
}

Json score_to_json(const MetricValue& value) {
  return {{"score", value.score}, {"stderr", value.standard_error}};
}

MetricValue score_from_json(const Json& object, const std::string& key, const std::string& where) {
  const Json json = json_member<Json>(object, key, where);
  const std::string inside = where + ": in '" + key + "'";
  return {.metric = key,
          .score = json_member<double>(json, "score", inside),
          .standard_error = json_member<double>(json, "stderr", inside)};
}

Json entry_to_json(const ResultEntry& entry) {
  Json json = {{"task", entry.task}, {"shots", entry.shots}};
  if (!entry.missing_file.empty()) {
    json["missing"] = entry.missing_file;
    return json;
  }
  json["metric"] = entry.value.metric;
  json["score"] = entry.value.score;
  json["stderr"] = entry.value.standard_error;
  json["n"] = entry.n;
  json["n_total"] = entry.n_total;
  if (entry.is_partial) {
    json["partial"] = true;
  }
  if (entry.strict) {
    json["strict"] = {{"metric", entry.strict->metric},
                      {"score", entry.strict->score},
                      {"stderr", entry.strict->standard_error}};
  }
  if (entry.likelihood) {
    json["likelihood"] = {{"accuracy", score_to_json(entry.likelihood->accuracy)},
                          {"accuracy_norm", score_to_json(entry.likelihood->accuracy_norm)}};
  }
  json["empty"] = entry.num_empty;
  json["unparsed"] = entry.num_unparsed;
  json["cut_off"] = entry.num_cut_off;
  json["over_long"] = entry.num_over_long;
  json["unlike_training"] = entry.num_unlike_training;
  for (const auto& [outcome, count] : entry.outcomes) {
    json["outcomes"][outcome] = count;
  }
  json["subscores"] = Json::object();
  for (const auto& [name, score] : entry.subscores) {
    json["subscores"][name] = score;
  }
  if (!entry.notes.empty()) {
    json["notes"] = entry.notes;
  }
  if (!entry.exemplars.empty()) {
    json["exemplars"] = entry.exemplars;
  }
  if (!entry.is_verified) {
    json["verified"] = false;
  }
  json["version"] = entry.version;
  json["settings"] = entry.settings;
  return json;
}

// A table that is added to is written again, so what this program does not know would be lost.
void check_keys(const Json& object, std::initializer_list<std::string_view> known,
                const std::string& where) {
  if (!object.is_object()) {
    throw Error(where + ": must be an object");
  }
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error(
          fmt::format("{}: unknown key '{}'; is it the work of another program, or of a "
                      "newer sft?",
                      where, key));
    }
  }
}

std::optional<std::string> text_or_null(const Json& object, const std::string& key,
                                        const std::string& where) {
  if (json_member<Json>(object, key, where).is_null()) {
    return std::nullopt;
  }
  return json_member<std::string>(object, key, where);
}

MetricValue metric_from_json(const Json& json, const std::string& where) {
  return {.metric = json_member<std::string>(json, "metric", where),
          .score = json_member<double>(json, "score", where),
          .standard_error = json_member<double>(json, "stderr", where)};
}

ResultEntry entry_from_json(const Json& json, const std::string& where) {
  check_keys(json,
             {"task",     "shots",     "missing",   "metric",          "score",      "stderr",
              "n",        "n_total",   "partial",   "strict",          "likelihood", "empty",
              "unparsed", "cut_off",   "over_long", "unlike_training", "outcomes",   "subscores",
              "notes",    "exemplars", "verified",  "version",         "settings"},
             where);
  ResultEntry entry;
  entry.task = json_member<std::string>(json, "task", where);
  entry.shots = json_member<int64_t>(json, "shots", where);
  if (json.contains("missing")) {
    entry.missing_file = json_member<std::string>(json, "missing", where);
    return entry;
  }
  entry.value = metric_from_json(json, where);
  entry.n = json_member<int64_t>(json, "n", where);
  entry.n_total = json_member<int64_t>(json, "n_total", where);
  entry.is_partial = json.contains("partial") && json_member<bool>(json, "partial", where);
  if (json.contains("strict")) {
    entry.strict =
        metric_from_json(json_member<Json>(json, "strict", where), where + ": in 'strict'");
  }
  if (json.contains("likelihood")) {
    const Json likelihood = json_member<Json>(json, "likelihood", where);
    entry.likelihood = {.accuracy = score_from_json(likelihood, "accuracy", where),
                        .accuracy_norm = score_from_json(likelihood, "accuracy_norm", where)};
  }
  entry.num_empty = json_member<int64_t>(json, "empty", where);
  entry.num_unparsed = json_member<int64_t>(json, "unparsed", where);
  entry.num_cut_off = json_member<int64_t>(json, "cut_off", where);
  entry.num_over_long = json_member<int64_t>(json, "over_long", where);
  entry.num_unlike_training =
      json.contains("unlike_training") ? json_member<int64_t>(json, "unlike_training", where) : 0;
  if (json.contains("outcomes")) {
    const Json outcomes = json_member<Json>(json, "outcomes", where);
    for (const auto& [outcome, count] : outcomes.items()) {
      entry.outcomes.emplace_back(outcome, json_member<int64_t>(outcomes, outcome, where));
    }
  }
  entry.exemplars =
      json.contains("exemplars") ? json_member<std::string>(json, "exemplars", where) : "";
  entry.is_verified = !json.contains("verified") || json_member<bool>(json, "verified", where);
  const Json subscores = json_member<Json>(json, "subscores", where);
  for (const auto& [name, score] : subscores.items()) {
    entry.subscores.emplace_back(name, json_member<double>(subscores, name, where));
  }
  if (json.contains("notes")) {
    entry.notes = json_texts(json_member<Json>(json, "notes", where),
                             where + ": 'notes' must be a list of texts");
  }
  entry.version = json_member<int64_t>(json, "version", where);
  entry.settings = json_member<Json>(json, "settings", where);
  return entry;
}

void check_same(const std::filesystem::path& path, std::string_view what,
                const std::optional<std::string>& there, const std::optional<std::string>& here) {
  if (there != here) {
    throw Error(
        fmt::format("{}: holds results of {} {}, this run is of {}; choose another --output",
                    path.string(), what, there.value_or("none"), here.value_or("none")));
  }
}

}  // namespace

ResultTable::ResultTable(ModelIdentity model, std::string template_name)
    : model_(std::move(model)), template_name_(std::move(template_name)) {}

ResultTable ResultTable::open(const std::filesystem::path& path, const ModelIdentity& model,
                              const std::string& template_name) {
  if (!std::filesystem::exists(std::filesystem::symlink_status(path))) {
    return {model, template_name};
  }
  ResultTable table = from_json(read_json(path), path.string());
  check_same(path, "weights", table.model_.weights_sha256, model.weights_sha256);
  check_same(path, "adapter", table.model_.adapter_sha256, model.adapter_sha256);
  check_same(path, "template", table.template_name_, template_name);
  table.model_.name = model.name;
  return table;
}

ResultTable ResultTable::from_json(const Json& document, const std::string& where) {
  check_keys(document, {"model", "template", "results"}, where);
  const Json model = json_member<Json>(document, "model", where);
  check_keys(model, {"name", "weights_sha256", "adapter_sha256"}, where + ": in 'model'");
  ResultTable table({.name = json_member<std::string>(model, "name", where),
                     .weights_sha256 = text_or_null(model, "weights_sha256", where),
                     .adapter_sha256 = text_or_null(model, "adapter_sha256", where)},
                    json_member<std::string>(document, "template", where));
  const Json results = json_member<Json>(document, "results", where);
  if (!results.is_array()) {
    throw Error(where + ": 'results' must be a list");
  }
  for (size_t i = 0; i < results.size(); ++i) {
    table.entries_.push_back(entry_from_json(results[i], fmt::format("{}: results[{}]", where, i)));
  }
  return table;
}

void ResultTable::put(ResultEntry entry) {
  const auto is_missing = [&entry](const ResultEntry& old) {
    return old.task == entry.task && old.shots == entry.shots && !old.missing_file.empty();
  };
  const auto is_equal = [&entry](const ResultEntry& old) {
    return old.task == entry.task && old.shots == entry.shots && old.missing_file.empty() &&
           entry.missing_file.empty() && old.settings == entry.settings;
  };
  auto place = std::find_if(entries_.begin(), entries_.end(), is_equal);
  if (place == entries_.end()) {
    place = std::find_if(entries_.begin(), entries_.end(), is_missing);
  }
  if (place == entries_.end()) {
    entries_.push_back(std::move(entry));
    return;
  }
  *place = entry;
  const auto first_behind = std::remove_if(place + 1, entries_.end(), is_missing);
  entries_.erase(first_behind, entries_.end());
}

Json ResultTable::to_json() const {
  Json results = Json::array();
  for (const ResultEntry& entry : entries_) {
    results.push_back(entry_to_json(entry));
  }
  return {{"model",
           {{"name", model_.name},
            {"weights_sha256", json_or_null(model_.weights_sha256)},
            {"adapter_sha256", json_or_null(model_.adapter_sha256)}}},
          {"template", template_name_},
          {"results", std::move(results)}};
}

void ResultTable::save(const std::filesystem::path& path) const {
  write_file(path, dump_json(to_json(), JsonLayout::kIndented));
}

}  // namespace sft
