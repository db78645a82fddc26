// `sft merge`: an adapter into its base, as a whole model.

#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/model_names.h"
#include "cli/model_source.h"

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/json.h"
#include "sft/model/merge.h"
#include "sft/model/model_folder.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

struct MergeFlags {
  std::string checkpoint;
  std::string adapter;
  std::string output;
};

// The merged model is prompted as the adapter was.
Json template_of(const fs::path& adapter) {
  const fs::path path = adapter / "sft.json";
  std::error_code error;
  if (!fs::exists(path, error)) {
    return nullptr;
  }
  const Json json = read_json(path);
  return json.is_object() && json.contains("template") ? json.at("template") : Json(nullptr);
}

Json origin_json(const ModelSource& source, const MergeResult& merged) {
  Json json = {{"origin", "merge"}, {"sft_version", SFT_VERSION}};
  json["base"] = {{"name", short_model_name(source.base.string())},
                  {"weights_sha256", merged.base_sha256}};
  json["adapter"] = {{"name", short_model_name(source.adapter.string())},
                     {"adapter_sha256", merged.adapter_sha256}};
  if (const Json layout = template_of(source.adapter); !layout.is_null()) {
    json["template"] = layout;
  }
  json["weights_sha256"] = merged.weights_sha256;
  return json;
}

int merge(const MergeFlags& flags, const CommonOptions& common) {
  const ModelSource source = resolve_model(flags.checkpoint, flags.adapter, common);
  if (source.adapter.empty()) {
    throw UsageError("--adapter is missing: " + flags.checkpoint + " is a whole model");
  }
  const AdapterFolder adapter = read_adapter_folder(source.adapter);
  AtomicFolder folder(flags.output);
  const MergeResult merged = merge_lora(source.base, adapter, folder.staging());
  write_file(folder.staging() / "config.json", read_file(source.base / "config.json"));
  copy_model_files(source.base, folder.staging());
  const Json origin = origin_json(source, merged);
  write_file(folder.staging() / "sft.json", dump_json(origin, JsonLayout::kIndented));
  folder.commit();
  if (common.is_json) {
    const Json result = {{"output", flags.output}, {"weights_sha256", merged.weights_sha256}};
    fmt::print("{}\n", dump_json(result, JsonLayout::kCompact));
  } else {
    fmt::print("{}: {} with {} merged in\n", flags.output, source.base.string(),
               source.adapter.string());
  }
  return 0;
}

}  // namespace

RunCommand define_merge(CLI::App& app, const CommonOptions& common) {
  auto flags = std::make_shared<MergeFlags>();
  app.add_option(
         "--ckpt", flags->checkpoint,
         "the model folder that the adapter was trained on; or the adapter's, which knows it")
      ->required();
  app.add_option("--adapter", flags->adapter, "the adapter's folder");
  app.add_option("--output", flags->output, "the model folder to write; must not exist")
      ->required();
  return [flags, &common] { return merge(*flags, common); };
}

}  // namespace sft
