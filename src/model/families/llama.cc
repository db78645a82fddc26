// Llama (Touvron et al., 2023) and what shares its block: pre-norm attention with rotary positions,
// then a gated MLP, each added to the residual stream.

#include "model/decoder.h"
#include "model/families.h"

namespace sft {
namespace {

void read_llama(const ConfigFields& fields, ModelConfig& /*config*/) {
  fields.require_text("hidden_act", "silu");
}

std::unique_ptr<DecoderLayer> make_layer(const LayerSite& site) {
  return std::make_unique<PreNormLayer>(site);
}

std::unique_ptr<CausalLm> make_llama(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device) {
  return make_decoder(config, dtype, device,
                      {.make_layer = make_layer, .make_norm = make_rms_norm});
}

}  // namespace

ModelFamily llama_family() {
  return {
      .name = "llama", .class_name = "LlamaForCausalLM", .read = read_llama, .make = make_llama};
}

}  // namespace sft
