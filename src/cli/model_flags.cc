#include "cli/model_flags.h"

#include <CLI/CLI.hpp>

#include "cli/model_names.h"

namespace sft {

LoadOptions ModelFlags::load_options(const CommonOptions& common) const {
  LoadOptions options;
  options.folder = resolve_model_folder(checkpoint, common);
  options.dtype = dtype == "bf16"      ? LoadOptions::DType::kBf16
                  : dtype == "float32" ? LoadOptions::DType::kFloat32
                                       : LoadOptions::DType::kAuto;
  return options;
}

void add_model_flags(CLI::App& app, ModelFlags& flags) {
  app.add_option("--ckpt", flags.checkpoint,
                 "a model folder in Hugging Face layout, or owner/name[@revision] on the hub")
      ->required();
  app.add_option("--dtype", flags.dtype,
                 "bf16 | float32 [bf16 where the hardware computes in it, else float32]")
      ->check(CLI::IsMember({"auto", "bf16", "float32"}));
}

}  // namespace sft
