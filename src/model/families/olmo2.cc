// OLMo 2 (OLMo team, 2024): the norms stand behind attention and MLP, before their outputs are
// added to the residual stream; queries and keys are normed over all heads together.

#include <ATen/TensorOperators.h>

#include "model/decoder.h"
#include "model/families.h"

namespace sft {
namespace {

using at::Tensor;

class Olmo2Layer final : public DecoderLayer {
 public:
  explicit Olmo2Layer(const LayerSite& site)
      : self_attn_(site, QueryKeyNorm::kProjection),
        mlp_(site),
        post_attention_layernorm_(site.parameters, site.name + ".post_attention_layernorm",
                                  site.config.shape.hidden_size, site.config),
        post_feedforward_layernorm_(site.parameters, site.name + ".post_feedforward_layernorm",
                                    site.config.shape.hidden_size, site.config) {}

  Tensor forward(const Tensor& x, const LayerContext& context) const override {
    const Tensor attended = x + post_attention_layernorm_.forward(self_attn_.forward(x, context));
    return attended + post_feedforward_layernorm_.forward(mlp_.forward(attended));
  }

 private:
  SelfAttention self_attn_;
  GatedMlp mlp_;
  RmsNorm post_attention_layernorm_;
  RmsNorm post_feedforward_layernorm_;
};

void read_olmo2(const ConfigFields& fields, ModelConfig& config) {
  fields.require_text("hidden_act", "silu");
  // Where the file does not say:
  config.rms_norm_eps = 1e-5;
  config.padding_id = 1;
}

std::unique_ptr<DecoderLayer> make_layer(const LayerSite& site) {
  return std::make_unique<Olmo2Layer>(site);
}

std::unique_ptr<CausalLm> make_olmo2(const ModelConfig& config, at::ScalarType dtype,
                                     at::Device device) {
  return make_decoder(config, dtype, device,
                      {.make_layer = make_layer, .make_norm = make_rms_norm});
}

}  // namespace

ModelFamily olmo2_family() {
  return {
      .name = "olmo2", .class_name = "Olmo2ForCausalLM", .read = read_olmo2, .make = make_olmo2};
}

}  // namespace sft
