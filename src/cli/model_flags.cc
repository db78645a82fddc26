#include "cli/model_flags.h"

#include <CLI/CLI.hpp>

#include "cli/model_names.h"

namespace sft {

LoadOptions ModelFlags::load_options(const ModelSource& source) const {
  LoadOptions options;
  options.folder = source.base;
  options.adapter = source.adapter;
  options.dtype = dtype == "bf16"      ? LoadOptions::DType::kBf16
                  : dtype == "float32" ? LoadOptions::DType::kFloat32
                                       : LoadOptions::DType::kAuto;
  return options;
}

void add_model_flags(CLI::App& app, ModelFlags& flags) {
  app.add_option("--ckpt", flags.checkpoint,
                 "a model folder in Hugging Face layout, an adapter's, or owner/name[@revision] on "
                 "the hub")
      ->required();
  app.add_option("--adapter", flags.adapter,
                 "an adapter's folder, in PEFT's layout, or its name on the hub");
  app.add_option("--dtype", flags.dtype,
                 "bf16 | float32 [bf16 where the hardware computes in it, else float32]")
      ->check(CLI::IsMember({"auto", "bf16", "float32"}));
}

}  // namespace sft
