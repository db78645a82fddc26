#include "model/decoder.h"

#include <utility>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/scalar_tensor.h>

#include "model/rope.h"

namespace sft {
namespace {

using at::Tensor;

class Decoder final : public CausalLm {
 public:
  Decoder(const ModelConfig& config, at::ScalarType dtype, at::Device device,
          const DecoderParts& parts)
      : config_(config),
        parameters_(dtype, device),
        embedding_scale_(parts.embedding_scale),
        embed_tokens_(parameters_.add("model.embed_tokens.weight",
                                      {config.shape.vocab_size, config.shape.hidden_size})),
        rotary_(
            make_rotary_table(inverse_frequencies(config, device), config.shape.context_length)) {
    for (int64_t layer = 0; layer < config.shape.num_layers; ++layer) {
      layers_.push_back(
          parts.make_layer({parameters_, "model.layers." + std::to_string(layer), config_, layer}));
    }
    norm_ = parts.make_norm(parameters_, "model.norm", config_);
    output_weight_ = config.shape.has_tied_embeddings
                         ? embed_tokens_
                         : parameters_.add("lm_head.weight",
                                           {config.shape.vocab_size, config.shape.hidden_size});
  }

  const ModelConfig& config() const override { return config_; }
  const ParameterSet& parameters() const override { return parameters_; }
  const Tensor& output_weight() const override { return output_weight_; }

  Tensor hidden_states(const PackedTokens& tokens, AttentionPattern& pattern,
                       Recompute recompute) const override {
    Tensor x = embed(tokens.token_ids);  // [tokens, hidden]
    const LayerContext context = {tokens.positions, rotary_, pattern};
    for (const std::unique_ptr<DecoderLayer>& layer : layers_) {
      const auto forward = [&layer = *layer, context](const Tensor& in) {
        return layer.forward(in, context);
      };
      const bool is_recomputed = recompute == Recompute::kLayers && at::GradMode::is_enabled();
      x = is_recomputed ? recomputed(forward, x) : forward(x);
    }
    return norm_->forward(x);
  }

 private:
  Tensor embed(const Tensor& token_ids) const {
    const Tensor embedded = at::embedding(embed_tokens_, token_ids, config_.padding_id);
    return embedding_scale_ == 1
               ? embedded
               : embedded * at::scalar_tensor(embedding_scale_, embedded.options());
  }

  ModelConfig config_;
  ParameterSet parameters_;
  double embedding_scale_;
  Tensor embed_tokens_;
  RotaryTable rotary_;
  std::vector<std::unique_ptr<DecoderLayer>> layers_;
  std::unique_ptr<Norm> norm_;
  Tensor output_weight_;
};

}  // namespace

std::unique_ptr<CausalLm> make_decoder(const ModelConfig& config, at::ScalarType dtype,
                                       at::Device device, const DecoderParts& parts) {
  return std::make_unique<Decoder>(config, dtype, device, parts);
}

std::unique_ptr<Norm> make_rms_norm(ParameterSet& parameters, const std::string& name,
                                    const ModelConfig& config) {
  return std::make_unique<RmsNorm>(parameters, name, config.shape.hidden_size, config);
}

PreNormLayer::PreNormLayer(const LayerSite& site, QueryKeyNorm query_key_norm,
                           decltype(DecoderParts::make_norm) make_norm)
    : self_attn_(site, query_key_norm),
      mlp_(site),
      input_layernorm_(make_norm(site.parameters, site.name + ".input_layernorm", site.config)),
      post_attention_layernorm_(
          make_norm(site.parameters, site.name + ".post_attention_layernorm", site.config)) {}

Tensor PreNormLayer::forward(const Tensor& x, const LayerContext& context) const {
  const Tensor attended = x + self_attn_.forward(input_layernorm_->forward(x), context);
  return attended + mlp_.forward(post_attention_layernorm_->forward(attended));
}

}  // namespace sft
