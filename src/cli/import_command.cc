// `sft import`: a model file of another program to a model folder in Hugging Face layout.

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/command.h"
#include "cli/commands.h"

#include "sft/core/format.h"
#include "sft/core/table.h"
#include "sft/io/file.h"
#include "sft/io/gguf.h"
#include "sft/io/json.h"
#include "sft/io/safetensors.h"
#include "sft/io/sha256.h"
#include "sft/model/gguf_import.h"
#include "sft/text/gguf_tokenizer.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

struct DTypeChoice {
  std::string_view name;
  DType dtype;
};
constexpr std::array kDTypeChoices = {
    DTypeChoice{"float32", DType::kF32},
    DTypeChoice{"bf16", DType::kBF16},
    DTypeChoice{"float16", DType::kF16},
};

struct ImportFlags {
  std::string file;
  std::string output;
  std::string dtype = "float32";
};

std::string file_sha256(const fs::path& path) {
  const MappedFile file(path);
  Sha256 hash;
  hash.update(file.bytes());
  return hash.hex();
}

int64_t num_elements(const GgufFile& file) {
  int64_t count = 0;
  for (const auto& [name, tensor] : file.tensors()) {
    int64_t elements = 1;
    for (const int64_t size : tensor.shape) {
      elements *= size;
    }
    count += elements;
  }
  return count;
}

int import_file(const ImportFlags& flags, const CommonOptions& common) {
  const DType dtype =
      find_entry(std::span<const DTypeChoice>(kDTypeChoices), "--dtype", flags.dtype).dtype;
  const GgufFile file(flags.file);
  AtomicFolder folder(flags.output);
  spdlog::info("[import] file={} size={}", flags.file, format_bytes(fs::file_size(flags.file)));
  write_gguf_tokenizer(file, folder.staging());
  write_gguf_model(file, dtype, folder.staging());
  const Json origin = {{"dtype", config_dtype_name(dtype)},
                       {"source",
                        {{"file", fs::path(flags.file).filename().string()},
                         {"format", "gguf"},
                         {"sha256", file_sha256(flags.file)}}}};
  write_file(folder.staging() / "sft.json", dump_json(origin, JsonLayout::kIndented));
  folder.commit();
  const int64_t parameters = num_elements(file);
  if (common.is_json) {
    const Json result = {{"output", flags.output}, {"parameters", parameters}, {"origin", origin}};
    fmt::print("{}\n", dump_json(result, JsonLayout::kCompact));
  } else {
    fmt::print("{}: {} parameters in {}\n", flags.output,
               format_count(static_cast<uint64_t>(parameters)), flags.dtype);
  }
  return 0;
}

}  // namespace

RunCommand define_import(CLI::App& app, const CommonOptions& common) {
  auto flags = std::make_shared<ImportFlags>();
  app.add_option("file", flags->file, "the GGUF file")->required();
  app.add_option("--output", flags->output, "the model folder to write; must not exist")
      ->required();
  app.add_option("--dtype", flags->dtype,
                 "float32 | bf16 | float16; narrower ones lose bits [float32]");
  return [flags, &common] { return import_file(*flags, common); };
}

}  // namespace sft
