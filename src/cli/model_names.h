#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.h"

#include "sft/data/dataset_spec.h"
#include "sft/estimate/train_config.h"
#include "sft/hub/hub.h"
#include "sft/train/train_run.h"

namespace sft {

// The hub as the environment and the command's flags have it.
HubSettings hub_settings(const CommonOptions& common);

// What MODEL means on the command line and in a config: the folder of that path where there is one,
// else the model on the hub with that id (owner/name[@revision]), out of its cache or downloaded
// into it. Throws Error where it is neither.
std::filesystem::path resolve_model_folder(const std::string& model, const CommonOptions& common);
// The same where only a tokenizer is needed; `model` may be a tokenizer's file.
std::filesystem::path resolve_tokenizer(const std::string& model, const CommonOptions& common);

// The local files of a hub dataset, downloaded where they are not yet.
std::vector<DatasetFile> fetch_dataset(const HubSource& source, const CommonOptions& common);

// A name for folders of results: the last part of a path, or of a hub id, with its revision.
std::string short_model_name(const std::string& model);

// Fetches all that a run needs of the hub, so that one message says what is missing; then sets
// `config.model_folder`, and what `options` finds tokenizers and datasets by.
void resolve_train_inputs(TrainConfig& config, TrainRunOptions& options,
                          const CommonOptions& common);

}  // namespace sft
