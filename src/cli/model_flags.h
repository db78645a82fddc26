#pragma once

#include <string>

#include "cli/command.h"
#include "cli/model_source.h"

#include "sft/infer/load.h"

namespace CLI {
class App;
}

namespace sft {

// The flags of every command that loads a model.
struct ModelFlags {
  std::string checkpoint;
  std::string adapter;
  std::string dtype = "auto";

  ModelSource source(const CommonOptions& common) const {
    return resolve_model(checkpoint, adapter, common);
  }
  LoadOptions load_options(const ModelSource& source) const;
};

// Declares --ckpt (required), --adapter and --dtype on `app`; `flags` must outlive the parse.
void add_model_flags(CLI::App& app, ModelFlags& flags);

}  // namespace sft
