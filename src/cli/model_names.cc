#include "cli/model_names.h"

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/data/dataset_spec.h"
#include "sft/estimate/known_model.h"
#include "sft/hub/hub.h"
#include "sft/io/http_client.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

std::vector<HubSnapshot> fetch_all(const std::vector<HubWant>& wants, const CommonOptions& common) {
  CurlHttpClient http;
  const SystemClock clock;
  return Hub(hub_settings(common), http, clock).fetch(wants);
}

// What is there goes before what the hub may have.
std::optional<HubId> hub_id_of(const std::string& model) {
  std::error_code error;
  return fs::exists(model, error) ? std::nullopt : parse_hub_id(model);
}

// A model, or its tokenizer alone, with its size where configs/models has it.
HubWant sized_model_want(const HubId& id) {
  HubWant want = model_want(id);
  if (const std::optional<KnownModel> known = find_known_model(id.repo)) {
    want.known_bytes = static_cast<uint64_t>(known->weight_bytes() + known->tokenizer_bytes);
  }
  return want;
}

HubWant sized_tokenizer_want(const HubId& id) {
  HubWant want = tokenizer_want(id);
  if (const std::optional<KnownModel> known = find_known_model(id.repo)) {
    want.known_bytes = static_cast<uint64_t>(known->tokenizer_bytes);
  }
  return want;
}

fs::path resolve(const std::string& model, HubWant (*want)(const HubId&),
                 const CommonOptions& common) {
  const std::optional<HubId> id = hub_id_of(model);
  if (!id.has_value()) {
    std::error_code error;
    if (!fs::exists(model, error)) {
      throw Error(model + ": no such folder, and no model's name on the hub (owner/name)");
    }
    return model;
  }
  try {
    return fetch_all({want(*id)}, common).front().folder;
  } catch (const UsageError&) {
    throw;
  } catch (const Error& fault) {
    throw Error(model + ": no such folder here; " + fault.what());
  }
}

HubWant want_of(const HubSource& source, const std::string& about) {
  const std::optional<HubId> id = parse_hub_id(source.dataset + "@" + source.revision);
  if (!id.has_value()) {
    throw UsageError("'" + source.dataset + "@" + source.revision +
                     "' is no dataset's name on the hub (owner/name)");
  }
  return dataset_want(*id, source.files, about);
}

void add_datasets(const std::vector<std::string>& names, std::vector<HubWant>& wants) {
  for (const std::string& name : names) {
    const DatasetSpec spec = load_dataset_spec(name);
    if (spec.hub.has_value()) {
      wants.push_back(want_of(*spec.hub, spec.source));
    }
  }
}

}  // namespace

HubSettings hub_settings(const CommonOptions& common) {
  HubSettings settings = hub_settings_from_environment();
  settings.is_offline = settings.is_offline || common.is_offline;
  settings.is_quiet = common.is_quiet;
  return settings;
}

fs::path resolve_model_folder(const std::string& model, const CommonOptions& common) {
  return resolve(model, sized_model_want, common);
}

fs::path resolve_tokenizer(const std::string& model, const CommonOptions& common) {
  return resolve(model, sized_tokenizer_want, common);
}

std::vector<DatasetFile> fetch_dataset(const HubSource& source, const CommonOptions& common) {
  const std::vector<HubSnapshot> snapshots = fetch_all({want_of(source, "")}, common);
  std::vector<DatasetFile> files;
  for (const HubFile& file : snapshots.front().files) {
    files.push_back({.path = file.path, .name = file.name});
  }
  return files;
}

std::string short_model_name(const std::string& model) {
  if (const std::optional<HubId> id = hub_id_of(model)) {
    std::string name = id->text().substr(id->repo.find('/') + 1);
    std::ranges::replace(name, '/', '-');
    return name;
  }
  const fs::path absolute = fs::absolute(model).lexically_normal();
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

void resolve_train_inputs(TrainConfig& config, TrainRunOptions& options,
                          const CommonOptions& common) {
  // First, since a plan goes on where something below is missing.
  options.find_tokenizer = [common](const std::string& name) {
    return resolve_tokenizer(name, common);
  };
  options.fetch = [common](const HubSource& source) { return fetch_dataset(source, common); };
  std::vector<HubWant> wants;
  const std::optional<HubId> model = hub_id_of(config.model);
  if (model.has_value()) {
    wants.push_back(sized_model_want(*model));
  }
  for (const std::string& name : config.data.fits_tokenizers) {
    const std::optional<HubId> id = hub_id_of(name);
    const bool is_models_own = id.has_value() && model.has_value() && id->text() == model->text();
    if (id.has_value() && !is_models_own) {
      wants.push_back(sized_tokenizer_want(*id));
    }
  }
  add_datasets(config.data.datasets, wants);
  add_datasets(config.data.validation.datasets, wants);
  if (!wants.empty()) {
    const std::vector<HubSnapshot> snapshots = fetch_all(wants, common);
    config.model_folder = model.has_value() ? snapshots.front().folder : fs::path();
  }
}

}  // namespace sft
