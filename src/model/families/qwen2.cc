// Qwen2 and Qwen2.5 (Yang et al., 2024): Llama's block with biases on query, key and value; the
// upper layers attend to a window where the config uses one.

#include "model/decoder.h"
#include "model/families.h"

namespace sft {
namespace {

void read_qwen2(const ConfigFields& fields, ModelConfig& /*config*/) {
  fields.require_text("hidden_act", "silu");
}

std::unique_ptr<DecoderLayer> make_layer(const LayerSite& site) {
  return std::make_unique<PreNormLayer>(site);  // the biases are the shape's
}

std::unique_ptr<CausalLm> make_qwen2(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device) {
  return make_decoder(config, dtype, device,
                      {.make_layer = make_layer, .make_norm = make_rms_norm});
}

}  // namespace

ModelFamily qwen2_family() {
  return {
      .name = "qwen2", .class_name = "Qwen2ForCausalLM", .read = read_qwen2, .make = make_qwen2};
}

}  // namespace sft
