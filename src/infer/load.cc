#include "sft/infer/load.h"

#include <string_view>
#include <utility>

#include <cpuinfo.h>

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/infer/engine.h"
#include "sft/io/sha256.h"
#include "sft/io/weights_hash_memory.h"
#include "sft/model/weights.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

bool has_fast_bf16() {
  return cpuinfo_initialize() &&
         (cpuinfo_has_x86_avx512bf16() || cpuinfo_has_x86_amx_bf16() || cpuinfo_has_arm_bf16());
}

constexpr std::string_view kSettingsFiles[] = {
    "added_tokens.json",       "config.json", "generation_config.json", "merges.txt",
    "special_tokens_map.json", "tokenizer.json", "tokenizer.model",     "tokenizer_config.json",
    "vocab.json"};

std::string settings_sha256(const std::filesystem::path& folder) {
  Sha256 hash;
  for (const std::string_view name : kSettingsFiles) {
    if (const std::filesystem::path path = folder / name; std::filesystem::exists(path)) {
      hash.update(std::string(name) + "\n" + sha256_hex(read_file(path)) + "\n");
    }
  }
  return hash.hex();
}

std::string hash_weights(const LoadOptions& options) {
  const SafetensorsFolder folder(options.folder);
  if (options.hash_memory.empty()) {
    return weights_sha256(folder.tensors());
  }
  const SystemClock clock;
  return WeightsHashMemory(options.hash_memory, clock).hash(folder);
}

}  // namespace

LoadedModel load_language_model(const LoadOptions& options) {
  const bool is_bf16 = options.dtype == LoadOptions::DType::kBf16 ||
                       (options.dtype == LoadOptions::DType::kAuto && has_fast_bf16());
  std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(options.folder);
  ModelFolder folder = load_model(options.folder, is_bf16 ? at::kBFloat16 : at::kFloat, at::kCPU);
  LoadedModel loaded;
  loaded.dtype = is_bf16 ? "bf16" : "float32";
  loaded.device = "cpu";
  loaded.weights_sha256 = hash_weights(options);
  loaded.settings_sha256 = settings_sha256(options.folder);
  loaded.model = std::make_unique<Engine>(std::move(folder.model), std::move(tokenizer));
  return loaded;
}

std::vector<int32_t> context_ids(const Tokenizer& tokenizer, std::vector<int32_t> prompt_ids) {
  if (prompt_ids.empty()) {
    if (!tokenizer.eos_id().has_value()) {
      throw Error("an empty prompt needs a BOS or EOS token, and the tokenizer has neither");
    }
    prompt_ids.push_back(*tokenizer.eos_id());
  }
  return prompt_ids;
}

}  // namespace sft
