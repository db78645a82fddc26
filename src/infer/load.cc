#include "sft/infer/load.h"

#include <utility>

#include <cpuinfo.h>

#include "sft/core/error.h"
#include "sft/infer/engine.h"
#include "sft/model/weights.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

bool has_fast_bf16() {
  return cpuinfo_initialize() &&
         (cpuinfo_has_x86_avx512bf16() || cpuinfo_has_x86_amx_bf16() || cpuinfo_has_arm_bf16());
}

}  // namespace

LoadedModel load_language_model(const LoadOptions& options) {
  const bool is_bf16 = options.dtype == LoadOptions::DType::kBf16 ||
                       (options.dtype == LoadOptions::DType::kAuto && has_fast_bf16());
  std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(options.folder);
  ModelFolder folder = load_model(options.folder, is_bf16 ? at::kBFloat16 : at::kFloat, at::kCPU);
  LoadedModel loaded;
  loaded.dtype = is_bf16 ? "bf16" : "float32";
  loaded.weights_sha256 = weights_sha256(SafetensorsFolder(options.folder).tensors());
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
