#include "sft/estimate/train_config.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "estimate/lora_section.h"
#include "estimate/yaml_writer.h"

#include "sft/core/resources.h"
#include "sft/core/table.h"

namespace sft {
namespace {

constexpr std::pair<std::string_view, Method> kMethods[] = {{"full", Method::kFull},
                                                            {"lora", Method::kLora}};
constexpr std::pair<std::string_view, Schedule> kSchedules[] = {{"constant", Schedule::kConstant},
                                                                {"cosine", Schedule::kCosine},
                                                                {"linear", Schedule::kLinear}};
constexpr std::pair<std::string_view, Precision> kPrecisions[] = {{"bf16", Precision::kBf16},
                                                                  {"float32", Precision::kFloat32}};
constexpr std::pair<std::string_view, Checkpointing> kCheckpointings[] = {
    {"auto", Checkpointing::kAuto}, {"true", Checkpointing::kOn}, {"false", Checkpointing::kOff}};
constexpr std::pair<std::string_view, LossTarget> kLossTargets[] = {
    {"response", LossTarget::kResponse}, {"all", LossTarget::kAll}};
constexpr std::pair<std::string_view, LastBatch> kLastBatches[] = {{"keep", LastBatch::kKeep},
                                                                   {"drop", LastBatch::kDrop}};
constexpr std::pair<std::string_view, CheckpointConfig::Save> kSaves[] = {
    {"each_epoch", CheckpointConfig::Save::kEachEpoch}, {"last", CheckpointConfig::Save::kLast}};
constexpr std::pair<std::string_view, std::string_view> kCheckpointDTypes[] = {
    {"auto", "auto"}, {"float32", "float32"}, {"bf16", "bf16"}};

template <typename Enum, size_t kSize>
std::string name_of(Enum value, const std::pair<std::string_view, Enum> (&names)[kSize]) {
  const auto* const row =
      std::ranges::find(names, value, [](const auto& pair) { return pair.second; });
  return std::string(row->first);
}

constexpr std::array<std::string_view, 7> kDataExtensions = {".yaml", ".json", ".jsonl",  ".csv",
                                                             ".gz",   ".zst",  ".parquet"};

// Large enough for every run, small enough that products of two fit 64 bits.
constexpr double kMost = 1e9;

// A fault where a value that is documented is not built yet; other values get the usual answer.
void read_supported(const ConfigNode& map, const std::string& key, std::string_view supported,
                    const std::vector<std::string>& later) {
  const ConfigNode node = map.at(key);
  if (node.is_null()) {
    return;
  }
  std::string value;
  node.get(value);
  if (value.empty() || value == supported) {
    return;
  }
  if (std::ranges::find(later, value) != later.end()) {
    node.fault(key + " '" + value + "' is not supported by this build; use '" +
               std::string(supported) + "'");
    return;
  }
  std::vector<std::string> known = {std::string(supported)};
  known.insert(known.end(), later.begin(), later.end());
  node.fault(unknown_name(key, value, known));
}

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos ||
         std::ranges::any_of(kDataExtensions,
                             [&](std::string_view end) { return name.ends_with(end); });
}

// The recipes of the study's datasets, which its merged sets are made of: those with a published
// name.
std::vector<std::string> study_recipes(const std::vector<std::string>& recipes) {
  std::vector<std::string> names;
  std::ranges::copy_if(recipes, std::back_inserter(names), [](const std::string& name) {
    const ConfigNode recipe = ConfigNode::load(find_config("dataset", "datasets", name));
    return !recipe.at("published_name").is_null();
  });
  return names;
}

// {all_but: name} or {all_but: [name, ...]}: every dataset of the study, less these.
std::vector<std::string> read_all_but(const ConfigNode& map, const std::vector<std::string>& all) {
  map.require("all_but");
  std::vector<std::string> left_out;
  map.read("all_but", left_out);
  map.finish();
  for (const std::string& name : left_out) {
    if (std::ranges::find(all, name) == all.end()) {
      map.at("all_but").fault(unknown_name("dataset", name, all));
    }
  }
  std::vector<std::string> names;
  std::ranges::copy_if(all, std::back_inserter(names), [&](const std::string& name) {
    return std::ranges::find(left_out, name) == left_out.end();
  });
  return names;
}

// Names of recipes or paths; `all`; or {all_but: name}.
void read_datasets(const ConfigNode& parent, std::vector<std::string>& datasets) {
  const ConfigNode node = parent.at("datasets");
  if (node.is_null()) {
    return;
  }
  const std::vector<std::string> recipes = config_names("datasets");
  if (node.is_map()) {
    datasets = read_all_but(node, study_recipes(recipes));
    return;
  }
  node.get(datasets);
  if (datasets == std::vector<std::string>{"all"}) {
    datasets = study_recipes(recipes);
  }
  std::set<std::string> seen;
  for (const std::string& name : datasets) {
    if (!seen.insert(name).second) {
      node.fault("dataset '" + name + "' is listed twice");
    }
    if (!is_path(name) && std::ranges::find(recipes, name) == recipes.end()) {
      node.fault(unknown_name("dataset", name, recipes) + "; a path has a '/' or an extension");
    }
  }
  if (datasets.empty()) {
    node.fault("no datasets are listed");
  }
}

void read_validation(const ConfigNode& node, ValidationConfig& validation) {
  read_datasets(node, validation.datasets);
  node.read("fraction", validation.fraction, {.min = 0, .max = 1});
  node.finish();
  if (validation.fraction == 1) {
    node.at("fraction").fault("'data.validation.fraction' is 1: nothing would be left to train on");
  }
  if (!validation.datasets.empty() && validation.fraction > 0) {
    node.fault("'data.validation' has both datasets and fraction; keep one");
  }
}

// N, `all` or {at_most: N}.
void read_samples(const ConfigNode& node, DataConfig& data) {
  const ConfigNode count = node.at("samples");
  if (count.is_map()) {
    data.samples_at_most = true;
    count.require("at_most");
    count.read("at_most", data.samples, {.min = 1, .max = kMost});
    count.finish();
    return;
  }
  std::string text;
  if (count.is_scalar()) {
    count.get(text);
  }
  if (text != "all") {
    node.read("samples", data.samples, {.min = 1, .max = kMost});
  }
}

std::string samples_yaml(const DataConfig& data) {
  if (data.samples == 0) {
    return "all";
  }
  const std::string count = yaml_scalar(data.samples);
  return data.samples_at_most ? "{at_most: " + count + "}" : count;
}

void read_data(const ConfigNode& node, DataConfig& data) {
  node.require("datasets");
  read_datasets(node, data.datasets);
  read_samples(node, data);
  node.read("seed", data.seed, {.min = 0});
  node.read("shuffle", data.shuffle);
  node.read("template", data.layout);
  read_validation(node.at("validation"), data.validation);
  // A token to predict needs one before it.
  node.read("max_length", data.max_length, {.min = 2, .max = kMost});
  node.read("fits_tokenizers", data.fits_tokenizers);
  node.finish();
}

void read_betas(const ConfigNode& node, std::pair<double, double>& betas) {
  if (node.is_null()) {
    return;
  }
  const std::vector<ConfigNode> items = node.items();
  if (items.size() != 2) {
    node.fault("'train.adam_betas' must be two numbers: [0.9, 0.999]");
    return;
  }
  items[0].get(betas.first, {.min = 0, .max = 1});
  items[1].get(betas.second, {.min = 0, .max = 1});
  if (betas.first == 1 || betas.second == 1) {
    node.fault("'train.adam_betas' must be below 1");
  }
}

void read_optimization(const ConfigNode& node, OptimizationConfig& train) {
  node.read("epochs", train.epochs, {.min = 1, .max = kMost});
  node.read("max_steps", train.max_steps, {.min = 0});
  node.read("batch_size", train.batch_size, {.min = 1, .max = kMost});
  node.read("learning_rate", train.learning_rate, {.min = 0});
  node.read_choice("schedule", train.schedule, kSchedules);
  node.read("warmup_ratio", train.warmup_ratio, {.min = 0, .max = 1});
  node.read("weight_decay", train.weight_decay, {.min = 0});
  read_betas(node.at("adam_betas"), train.adam_betas);
  node.read("adam_eps", train.adam_eps, {.min = 0});
  node.read("max_grad_norm", train.max_grad_norm, {.min = 0});
  node.read_choice("precision", train.precision, kPrecisions);
  node.read_choice("activation_checkpointing", train.activation_checkpointing, kCheckpointings);
  node.read_choice("loss_on", train.loss_on, kLossTargets);
  node.read_choice("last_batch", train.last_batch, kLastBatches);
  node.read("seed", train.seed, {.min = 0});
  node.finish();
}

void read_save(const ConfigNode& node, CheckpointConfig& checkpoints) {
  using Save = CheckpointConfig::Save;
  if (node.is_map()) {
    node.require("steps");
    node.read("steps", checkpoints.save_steps, {.min = 1, .max = kMost});
    node.finish();
    checkpoints.save = Save::kSteps;
    return;
  }
  if (!node.is_null()) {
    node.get_choice(checkpoints.save, std::span<const std::pair<std::string_view, Save>>(kSaves));
  }
}

void read_keep(const ConfigNode& node, CheckpointConfig& checkpoints) {
  using Keep = CheckpointConfig::Keep;
  if (node.is_null()) {
    return;
  }
  std::string text;
  node.get(text);
  if (text == "all" || text == "best") {
    checkpoints.keep = text == "all" ? Keep::kAll : Keep::kBest;
    return;
  }
  const bool is_number = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) {
    if (node.is_scalar()) {
      node.fault("'checkpoints.keep' is '" + text + "', must be all, best, or a number of newest");
    }
    return;
  }
  checkpoints.keep = Keep::kNewest;
  node.get(checkpoints.keep_newest, {.min = 1, .max = kMost});
}

void read_checkpoints(const ConfigNode& node, CheckpointConfig& checkpoints) {
  read_save(node.at("save"), checkpoints);
  read_keep(node.at("keep"), checkpoints);
  read_supported(node, "store", "full", {"delta"});
  std::string_view dtype = checkpoints.dtype;
  node.read_choice("dtype", dtype, kCheckpointDTypes);
  checkpoints.dtype = std::string(dtype);
  node.read("state_minutes", checkpoints.state_minutes, {.min = 0});
  node.read("keep_state", checkpoints.keep_state);
  node.finish();
}

// Keys and values as lines, `indent` deep.
class YamlLines {
 public:
  void section(const std::string& name) { text_ += name + ":\n"; }
  void add(const std::string& key, const std::string& scalar) {
    text_ += key + (scalar.empty() ? ":" : ": " + scalar) + "\n";
  }
  void add_inner(const std::string& key, const std::string& scalar) { add("  " + key, scalar); }
  void add_text(const std::string& lines) { text_ += lines; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string validation_yaml(const ValidationConfig& validation) {
  if (!validation.datasets.empty()) {
    return "{datasets: " + yaml_list(validation.datasets) + "}";
  }
  return validation.fraction > 0 ? "{fraction: " + yaml_scalar(validation.fraction) + "}" : "";
}

std::string save_yaml(const CheckpointConfig& checkpoints) {
  switch (checkpoints.save) {
    case CheckpointConfig::Save::kEachEpoch:
      return "each_epoch";
    case CheckpointConfig::Save::kLast:
      return "last";
    case CheckpointConfig::Save::kSteps:
      return "{steps: " + yaml_scalar(checkpoints.save_steps) + "}";
  }
  return {};
}

std::string keep_yaml(const CheckpointConfig& checkpoints) {
  switch (checkpoints.keep) {
    case CheckpointConfig::Keep::kAll:
      return "all";
    case CheckpointConfig::Keep::kBest:
      return "best";
    case CheckpointConfig::Keep::kNewest:
      return yaml_scalar(checkpoints.keep_newest);
  }
  return {};
}

void add_data(YamlLines& lines, const DataConfig& data) {
  lines.section("data");
  lines.add_inner("datasets", yaml_list(data.datasets));
  lines.add_inner("samples", samples_yaml(data));
  lines.add_inner("seed", yaml_scalar(data.seed));
  lines.add_inner("shuffle", yaml_scalar(data.shuffle));
  lines.add_inner("template", yaml_scalar(data.layout));
  lines.add_inner("validation", validation_yaml(data.validation));
  lines.add_inner("max_length", yaml_scalar(data.max_length));
  lines.add_inner("fits_tokenizers", yaml_list(data.fits_tokenizers));
}

void add_optimization(YamlLines& lines, const OptimizationConfig& train) {
  lines.section("train");
  lines.add_inner("epochs", yaml_scalar(train.epochs));
  lines.add_inner("max_steps", yaml_scalar(train.max_steps));
  lines.add_inner("batch_size", yaml_scalar(train.batch_size));
  lines.add_inner("learning_rate", yaml_scalar(train.learning_rate));
  lines.add_inner("schedule", name_of(train.schedule, kSchedules));
  lines.add_inner("warmup_ratio", yaml_scalar(train.warmup_ratio));
  lines.add_inner("weight_decay", yaml_scalar(train.weight_decay));
  lines.add_inner("adam_betas",
                  yaml_list(std::vector{train.adam_betas.first, train.adam_betas.second}));
  lines.add_inner("adam_eps", yaml_scalar(train.adam_eps));
  lines.add_inner("max_grad_norm", yaml_scalar(train.max_grad_norm));
  lines.add_inner("precision", name_of(train.precision, kPrecisions));
  lines.add_inner("activation_checkpointing",
                  name_of(train.activation_checkpointing, kCheckpointings));
  lines.add_inner("loss_on", name_of(train.loss_on, kLossTargets));
  lines.add_inner("last_batch", name_of(train.last_batch, kLastBatches));
  lines.add_inner("seed", yaml_scalar(train.seed));
}

void add_checkpoints(YamlLines& lines, const CheckpointConfig& checkpoints) {
  lines.section("checkpoints");
  lines.add_inner("save", save_yaml(checkpoints));
  lines.add_inner("keep", keep_yaml(checkpoints));
  lines.add_inner("store", "full");
  lines.add_inner("dtype", checkpoints.dtype);
  lines.add_inner("state_minutes", yaml_scalar(checkpoints.state_minutes));
  lines.add_inner("keep_state", yaml_scalar(checkpoints.keep_state));
}

}  // namespace

TrainConfig read_train_config(const ConfigNode& root) {
  TrainConfig config;
  root.require("model");
  root.read("model", config.model);
  root.read_choice("method", config.method, kMethods);
  read_data(root.at("data"), config.data);
  read_optimization(root.at("train"), config.train);
  read_lora_section(root.at("lora"), config);
  read_checkpoints(root.at("checkpoints"), config.checkpoints);
  if (config.method == Method::kLora && config.checkpoints.dtype == "bf16") {
    root.at("checkpoints")
        .at("dtype")
        .fault("'checkpoints.dtype' is bf16, adapters are written in float32; leave it out");
  }
  root.require("output");
  std::string output;
  root.read("output", output);
  config.output = output;
  root.finish();
  const ValidationConfig& validation = config.data.validation;
  if (config.checkpoints.keep == CheckpointConfig::Keep::kBest && validation.datasets.empty() &&
      validation.fraction == 0) {
    root.at("checkpoints")
        .at("keep")
        .fault("'checkpoints.keep' is 'best', which needs 'data.validation' to tell the best by");
  }
  if (config.checkpoints.keep == CheckpointConfig::Keep::kBest &&
      config.checkpoints.save == CheckpointConfig::Save::kSteps) {
    root.at("checkpoints")
        .at("keep")
        .fault(
            "'checkpoints.keep' is 'best', which needs 'checkpoints.save' each_epoch: the "
            "validation loss is taken at the end of an epoch");
  }
  return config;
}

std::string to_yaml(const TrainConfig& config) {
  YamlLines lines;
  lines.add("model", yaml_scalar(config.model));
  lines.add("method", name_of(config.method, kMethods));
  add_data(lines, config.data);
  add_optimization(lines, config.train);
  if (config.method == Method::kLora) {
    lines.add_text(lora_section_yaml(config));
  }
  add_checkpoints(lines, config.checkpoints);
  lines.add("output", yaml_scalar(config.output.string()));
  return lines.text();
}

}  // namespace sft
