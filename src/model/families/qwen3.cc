// Qwen3 (Yang et al., 2025): Llama's block with a norm of each query and key head.

#include "model/decoder.h"
#include "model/families.h"

namespace sft {
namespace {

void read_qwen3(const ConfigFields& fields, ModelConfig& /*config*/) {
  fields.require_text("hidden_act", "silu");
}

std::unique_ptr<DecoderLayer> make_layer(const LayerSite& site) {
  return std::make_unique<PreNormLayer>(site, QueryKeyNorm::kPerHead);
}

std::unique_ptr<CausalLm> make_qwen3(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device) {
  return make_decoder(config, dtype, device,
                      {.make_layer = make_layer, .make_norm = make_rms_norm});
}

}  // namespace

ModelFamily qwen3_family() {
  return {
      .name = "qwen3", .class_name = "Qwen3ForCausalLM", .read = read_qwen3, .make = make_qwen3};
}

}  // namespace sft
