// OLMo (Groeneveld et al., 2024): Llama's block with norms that have no parameters, and queries,
// keys and values clipped where the config says so.

#include "model/decoder.h"
#include "model/families.h"

namespace sft {
namespace {

constexpr double kNormEps = 1e-5;  // whatever the config says

void read_olmo(const ConfigFields& fields, ModelConfig& config) {
  fields.require_text("hidden_act", "silu");
  config.padding_id = 1;  // where the file does not say
  config.clip_qkv = fields.positive_or_none("clip_qkv", 0);
}

std::unique_ptr<Norm> make_norm(ParameterSet& /*parameters*/, const std::string& /*name*/,
                                const ModelConfig& /*config*/) {
  return std::make_unique<LayerNorm>(kNormEps);
}

std::unique_ptr<DecoderLayer> make_layer(const LayerSite& site) {
  return std::make_unique<PreNormLayer>(site, QueryKeyNorm::kNone, make_norm);
}

std::unique_ptr<CausalLm> make_olmo(const ModelConfig& config, at::ScalarType dtype,
                                    at::Device device) {
  return make_decoder(config, dtype, device, {.make_layer = make_layer, .make_norm = make_norm});
}

}  // namespace

ModelFamily olmo_family() {
  return {.name = "olmo", .class_name = "OlmoForCausalLM", .read = read_olmo, .make = make_olmo};
}

}  // namespace sft
