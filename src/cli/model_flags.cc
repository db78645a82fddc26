#include "cli/model_flags.h"

#include <CLI/CLI.hpp>

namespace sft {

LoadOptions ModelFlags::load_options() const {
  LoadOptions options;
  options.folder = checkpoint;
  options.dtype = dtype == "bf16"      ? LoadOptions::DType::kBf16
                  : dtype == "float32" ? LoadOptions::DType::kFloat32
                                       : LoadOptions::DType::kAuto;
  return options;
}

void add_model_flags(CLI::App& app, ModelFlags& flags) {
  app.add_option("--ckpt", flags.checkpoint, "a model folder in Hugging Face layout")->required();
  app.add_option("--dtype", flags.dtype,
                 "bf16 | float32 [bf16 where the hardware computes in it, else float32]")
      ->check(CLI::IsMember({"auto", "bf16", "float32"}));
}

}  // namespace sft
