#pragma once

#include <string>

#include "cli/command.h"

#include "sft/infer/load.h"

namespace CLI {
class App;
}

namespace sft {

// The flags of every command that loads a model.
struct ModelFlags {
  std::string checkpoint;
  std::string dtype = "auto";

  LoadOptions load_options(const CommonOptions& common) const;
};

// Declares --ckpt (required) and --dtype on `app`; `flags` must outlive the parse.
void add_model_flags(CLI::App& app, ModelFlags& flags);

}  // namespace sft
