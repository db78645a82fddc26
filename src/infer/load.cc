#include "sft/infer/load.h"

#include <string_view>
#include <utility>

#include <cpuinfo.h>

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/infer/engine.h"
#include "sft/io/sha256.h"
#include "sft/io/weights_hash_memory.h"
#include "sft/model/adapter.h"
#include "sft/model/causal_lm.h"
#include "sft/model/weights.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

bool has_fast_bf16() {
  return cpuinfo_initialize() &&
         (cpuinfo_has_x86_avx512bf16() || cpuinfo_has_x86_amx_bf16() || cpuinfo_has_arm_bf16());
}

constexpr std::string_view kSettingsFiles[] = {"added_tokens.json",
                                               "config.json",
                                               "generation_config.json",
                                               "merges.txt",
                                               "special_tokens_map.json",
                                               "tokenizer.json",
                                               "tokenizer.model",
                                               "tokenizer_config.json",
                                               "vocab.json"};

std::string settings_sha256(const std::filesystem::path& folder,
                            const std::filesystem::path& adapter) {
  Sha256 hash;
  for (const std::string_view name : kSettingsFiles) {
    if (const std::filesystem::path path = folder / name; std::filesystem::exists(path)) {
      hash.update(std::string(name) + "\n" + sha256_hex(read_file(path)) + "\n");
    }
  }
  if (!adapter.empty()) {
    hash.update(sha256_hex(read_file(adapter / "adapter_config.json")) + "\n");
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
  if (!options.adapter.empty()) {
    read_adapter_folder(options.adapter);  // its faults before the model's loading
  }
  std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(options.folder);
  ModelFolder folder = load_model(options.folder, is_bf16 ? at::kBFloat16 : at::kFloat, at::kCPU);
  LoadedModel loaded;
  loaded.dtype = is_bf16 ? "bf16" : "float32";
  loaded.device = "cpu";
  loaded.weights_sha256 = hash_weights(options);
  loaded.model = std::make_unique<Engine>(std::move(folder.model), std::move(tokenizer));
  loaded.folder = options.folder;
  change_adapter(loaded, options.adapter);
  return loaded;
}

void change_adapter(LoadedModel& loaded, const std::filesystem::path& adapter) {
  const ParameterSet& parameters = loaded.model->causal_lm().parameters();
  detach_lora(parameters);
  loaded.adapter_sha256.reset();
  loaded.settings_sha256 = settings_sha256(loaded.folder, adapter);
  if (adapter.empty()) {
    return;
  }
  const AdapterFolder folder = read_adapter_folder(adapter);
  check_base(folder, loaded.folder.string(), loaded.weights_sha256);
  // Dropout, which the seed is for, is not for inference.
  loaded.adapter_sha256 = load_adapter(parameters, folder, folder.config.lora, /*seed=*/0).sha256;
  freeze_lora(parameters, loaded.model->causal_lm().output_weight().scalar_type());
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
