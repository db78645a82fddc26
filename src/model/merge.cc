#include "sft/model/merge.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/mm.h>

#include "model/weight_sources.h"

#include "sft/io/safetensors.h"
#include "sft/model/weights.h"

namespace sft {
namespace {

using at::Tensor;

// `view` with the branch added, in its own dtype.
Tensor merged(const TensorView& view, const std::string& name, const LoraBranch& lora) {
  const at::NoGradGuard no_grad;
  const Tensor base = as_tensor(view, name);
  return (base.to(at::kFloat) + at::mm(lora.b, lora.a) * lora.scale).to(base.scalar_type());
}

}  // namespace

MergeResult merge_lora(const std::filesystem::path& base, const AdapterFolder& adapter,
                       const std::filesystem::path& folder) {
  const ModelConfig config = read_model_config(base);
  const SafetensorsFolder files(base);
  check_sizes(config, files, base);
  // Its parameters are never touched, so that they take no memory: the model names the layers.
  const auto model = make_model(config, at::kBFloat16, at::kCPU);
  check_tensors(model->parameters(), config, files);
  MergeResult result;
  result.base_sha256 = weights_sha256(files.tensors());
  check_base(adapter, base.string(), result.base_sha256);
  result.adapter_sha256 =
      load_adapter(model->parameters(), adapter, adapter.config.lora, /*seed=*/0).sha256;
  std::map<std::string, const LoraBranch*> branches;
  for (const auto& site : model->parameters().linear_sites()) {
    if (site->lora.has_value()) {
      branches.emplace(site->name + ".weight", &*site->lora);
    }
  }
  std::vector<TensorSource> sources;
  for (const auto& [name, view] : files.tensors()) {
    const auto found = branches.find(name);
    const LoraBranch* const lora = found == branches.end() ? nullptr : found->second;
    sources.push_back({.name = name,
                       .dtype = view.dtype,
                       .shape = view.shape,
                       .write = [&view = view, name = name, lora](AtomicFile& file) {
                         if (lora == nullptr) {
                           file.write(view.bytes);
                         } else {
                           write_finite(merged(view, name, *lora), name, file);
                         }
                       }});
  }
  write_safetensors_folder(folder, std::move(sources));
  result.weights_sha256 = weights_sha256(SafetensorsFolder(folder).tensors());
  return result;
}

}  // namespace sft
