#include "cli/model_card_facts.h"

#include <algorithm>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "sft/core/config_node.h"
#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/log.h"
#include "sft/data/dataset_spec.h"
#include "sft/estimate/known_model.h"
#include "sft/estimate/train_config.h"
#include "sft/hub/hub_id.h"
#include "sft/io/file.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// An object's member, or null.
Json member(const Json& object, const std::string& key) {
  return object.is_object() && object.contains(key) ? object[key] : Json();
}

std::string text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : "";
}

Json read_if_there(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) ? read_json(path) : Json();
}

// `license:` of a README.md's first lines, which are YAML between "---".
std::string readme_license(const fs::path& readme) {
  std::error_code error;
  if (!fs::is_regular_file(readme, error)) {
    return "";
  }
  const std::string page = read_file(readme);
  const size_t end = page.find("\n---", 3);
  const size_t place = page.find("\nlicense:");
  if (!page.starts_with("---") || place == std::string::npos || place > end) {
    return "";
  }
  const size_t begin = place + std::string("\nlicense:").size();
  std::string license = page.substr(begin, page.find('\n', begin) - begin);
  std::erase_if(license, [](char c) { return c == ' ' || c == '"' || c == '\'' || c == '\r'; });
  return license;
}

CardSource base_of(const std::string& model, const std::string& recorded_name,
                   const std::function<std::string(const std::string&)>& ask_licence) {
  CardSource base;
  std::error_code error;
  const std::optional<HubId> id = fs::exists(model, error) ? std::nullopt : parse_hub_id(model);
  if (id.has_value()) {
    base.name = id->text();
    base.hub_id = id->repo;
    const std::optional<KnownModel> known = find_known_model(id->repo);
    base.license = known ? known->license : ask_licence(id->repo);
  } else {
    base.name = recorded_name;
    base.license = readme_license(fs::path(model) / "README.md");
  }
  return base;
}

// What data.json says of a dataset, beside its recipe's licence.
CardSource dataset_of(const std::string& name_or_path, const Json& data) {
  CardSource source;
  source.name = fs::path(name_or_path).stem().string();
  try {
    const DatasetSpec spec = load_dataset_spec(name_or_path);
    source.name = spec.name;
    source.license = spec.license;
    source.hub_id = spec.hub.has_value() ? spec.hub->dataset : "";
  } catch (const Error& error) {
    spdlog::warn("[publish] the licence of dataset {} is not known: {}", name_or_path,
                 error.what());
  }
  for (const Json& dataset : member(data, "datasets")) {
    const Json sampled = member(dataset, "sampled");
    if (text(member(dataset, "name")) == source.name && sampled.is_number_integer()) {
      source.note = fmt::format("{} samples of {} rows", sampled.get<int64_t>(),
                                member(dataset, "read").dump());
    }
  }
  return source;
}

void add_run(const fs::path& run, ModelCard& card,
             const std::function<std::string(const std::string&)>& ask_licence) {
  const fs::path path = run / "config.yaml";
  card.config = read_file(path);
  const ConfigNode root = ConfigNode::load(path);
  const TrainConfig config = read_train_config(root);
  root.check();
  card.base = base_of(config.model, card.base.name, ask_licence);
  const Json data = read_if_there(run / "data.json");
  for (const std::string& name : config.data.datasets) {
    card.datasets.push_back(dataset_of(name, data));
  }
  card.command = "sft train --config config.yaml";
  const Json record = read_if_there(run / "run.json");
  const Json steps = member(record, "steps");
  const Json tokens = member(record, "tokens");
  if (steps.is_number_integer() && tokens.is_number_integer()) {
    card.facts.push_back(fmt::format("the run: {} steps, {} tokens", steps.get<int64_t>(),
                                     format_count(tokens.get<uint64_t>())));
  }
}

void add_scores(const Json& results, ModelCard& card) {
  for (const Json& entry : member(results, "results")) {
    const Json score = member(entry, "score");
    if (!score.is_number()) {
      continue;  // a task whose file was missing
    }
    const Json error = member(entry, "stderr");
    const Json shots = member(entry, "shots");
    const Json n = member(entry, "n");
    card.scores.push_back(
        {.task = text(member(entry, "task")),
         .shots = shots.is_number_integer() ? shots.get<int64_t>() : 0,
         .metric = text(member(entry, "metric")),
         .score = score.get<double>(),
         .standard_error = error.is_number() ? error.get<double>() : 0,
         .n = n.is_number_integer() ? n.get<int64_t>() : 0,
         .note = member(entry, "partial") == true ? "part of the questions" : ""});
  }
}

}  // namespace

ModelCard gather_card(const fs::path& checkpoint, const std::string& repo,
                      const std::function<std::string(const std::string&)>& ask_licence) {
  ModelCard card;
  card.repo = repo;
  std::error_code error;
  card.is_adapter = fs::exists(checkpoint / "adapter_config.json", error);
  const Json origin = read_if_there(checkpoint / "sft.json");
  card.sft_version = text(member(origin, "sft_version"));
  if (card.sft_version.empty()) {
    card.sft_version = SFT_VERSION;
  }
  card.base.name = text(member(member(origin, "base"), "name"));
  card.prompt = text(member(member(origin, "template"), "turn"));
  const fs::path run = fs::absolute(checkpoint / "").parent_path().parent_path();
  if (text(member(origin, "origin")) == "train" && fs::exists(run / "config.yaml", error)) {
    add_run(run, card, ask_licence);
  }
  for (const char* const key : {"epoch", "step"}) {
    if (const Json number = member(origin, key); number.is_number_integer()) {
      card.facts.push_back(fmt::format("this checkpoint: {} {}", key, number.get<int64_t>()));
    }
  }
  if (const std::string hash = text(member(origin, "weights_sha256")); !hash.empty()) {
    card.facts.push_back("weights_sha256: " + hash);
  }
  add_scores(read_if_there(checkpoint / "eval" / "results.json"), card);
  return card;
}

}  // namespace sft
