// Mistral 7B (Jiang et al., 2023): Llama's block; where the config has a sliding_window, every
// layer attends to that many tokens.

#include "model/decoder.h"
#include "model/families.h"

namespace sft {
namespace {

void read_mistral(const ConfigFields& fields, ModelConfig& /*config*/) {
  fields.require_text("hidden_act", "silu");
}

std::unique_ptr<DecoderLayer> make_layer(const LayerSite& site) {
  return std::make_unique<PreNormLayer>(site);
}

std::unique_ptr<CausalLm> make_mistral(const ModelConfig& config, at::ScalarType dtype,
                                       at::Device device) {
  return make_decoder(config, dtype, device,
                      {.make_layer = make_layer, .make_norm = make_rms_norm});
}

}  // namespace

ModelFamily mistral_family() {
  return {.name = "mistral",
          .class_name = "MistralForCausalLM",
          .read = read_mistral,
          .make = make_mistral};
}

}  // namespace sft
