// Gemma 2 (Gemma team, 2024): norms before and behind attention and MLP, their weights stored less
// 1; scaled embeddings; GeGLU; soft caps on scores and logits; every second layer attends to a
// window.

#include <cmath>

#include <ATen/TensorOperators.h>

#include "model/decoder.h"
#include "model/families.h"

namespace sft {
namespace {

using at::Tensor;

RmsNorm make_layer_norm(const LayerSite& site, const std::string& name) {
  return {site.parameters, site.name + "." + name, site.config.shape.hidden_size, site.config};
}

class Gemma2Layer final : public DecoderLayer {
 public:
  explicit Gemma2Layer(const LayerSite& site)
      : self_attn_(site),
        mlp_(site, Activation::kGeluTanh),
        input_layernorm_(make_layer_norm(site, "input_layernorm")),
        post_attention_layernorm_(make_layer_norm(site, "post_attention_layernorm")),
        pre_feedforward_layernorm_(make_layer_norm(site, "pre_feedforward_layernorm")),
        post_feedforward_layernorm_(make_layer_norm(site, "post_feedforward_layernorm")) {}

  Tensor forward(const Tensor& x, const LayerContext& context) const override {
    const Tensor attended = x + post_attention_layernorm_.forward(
                                    self_attn_.forward(input_layernorm_.forward(x), context));
    return attended + post_feedforward_layernorm_.forward(
                          mlp_.forward(pre_feedforward_layernorm_.forward(attended)));
  }

 private:
  SelfAttention self_attn_;
  GatedMlp mlp_;
  RmsNorm input_layernorm_;
  RmsNorm post_attention_layernorm_;
  RmsNorm pre_feedforward_layernorm_;
  RmsNorm post_feedforward_layernorm_;
};

// The fallbacks are what transformers takes a file for that leaves the key out.
void read_gemma2(const ConfigFields& fields, ModelConfig& config) {
  fields.require_text("hidden_activation", "gelu_pytorch_tanh");
  fields.refuse_flag("use_bidirectional_attention");
  double query_scalar = 256;
  fields.read_positive("query_pre_attn_scalar", query_scalar);
  config.attention_scale = 1 / std::sqrt(query_scalar);
  config.attention_soft_cap = fields.positive_or_none("attn_logit_softcapping", 50);
  config.logit_soft_cap = fields.positive_or_none("final_logit_softcapping", 30);
  config.norm_weight_offset = 1;
  config.padding_id = 0;
}

std::unique_ptr<DecoderLayer> make_layer(const LayerSite& site) {
  return std::make_unique<Gemma2Layer>(site);
}

std::unique_ptr<CausalLm> make_gemma2(const ModelConfig& config, at::ScalarType dtype,
                                      at::Device device) {
  const double scale = std::sqrt(static_cast<double>(config.shape.hidden_size));
  return make_decoder(
      config, dtype, device,
      {.make_layer = make_layer, .make_norm = make_rms_norm, .embedding_scale = scale});
}

}  // namespace

ModelFamily gemma2_family() {
  return {.name = "gemma2",
          .class_name = "Gemma2ForCausalLM",
          .read = read_gemma2,
          .make = make_gemma2};
}

}  // namespace sft
