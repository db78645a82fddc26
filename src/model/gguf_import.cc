// GGUF names and orders a model's tensors in its own way; here they get Hugging Face's names and
// order. The one difference that is more than a name: llama.cpp rotates neighbouring elements of a
// head (0 with 1, 2 with 3, ...), transformers element i of the first half with element i of the
// second. So the converter to GGUF interleaves the two halves of each head's rows in the query and
// key matrices of some architectures; this takes them apart again.

#include "sft/model/gguf_import.h"

#include <array>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/gguf_config.h"

#include "sft/core/error.h"
#include "sft/core/table.h"
#include "sft/io/gguf_dequantize.h"
#include "sft/io/half.h"
#include "sft/io/tensor_scan.h"

namespace sft {
namespace {

using Shape = std::vector<int64_t>;

enum class RowOrder { kPlain, kInterleavedHalves };

// A tensor of both layouts.
struct TensorRow {
  std::string_view gguf_name;
  std::string_view name;
  Shape (*shape)(const GgufSizes& sizes);
  RowOrder order = RowOrder::kPlain;
};

Shape norm_shape(const GgufSizes& sizes) {
  return {sizes.hidden};
}
Shape vocab_shape(const GgufSizes& sizes) {
  return {sizes.vocab, sizes.hidden};
}
Shape query_shape(const GgufSizes& sizes) {
  return {sizes.heads * sizes.head_dim, sizes.hidden};
}
Shape key_shape(const GgufSizes& sizes) {
  return {sizes.kv_heads * sizes.head_dim, sizes.hidden};
}
Shape query_bias_shape(const GgufSizes& sizes) {
  return {sizes.heads * sizes.head_dim};
}
Shape key_bias_shape(const GgufSizes& sizes) {
  return {sizes.kv_heads * sizes.head_dim};
}
Shape attention_output_shape(const GgufSizes& sizes) {
  return {sizes.hidden, sizes.heads * sizes.head_dim};
}
Shape up_shape(const GgufSizes& sizes) {
  return {sizes.intermediate, sizes.hidden};
}
Shape down_shape(const GgufSizes& sizes) {
  return {sizes.hidden, sizes.intermediate};
}

constexpr TensorRow kEmbedding = {"token_embd.weight", "model.embed_tokens.weight", vocab_shape};
constexpr TensorRow kLastNorm = {"output_norm.weight", "model.norm.weight", norm_shape};
constexpr TensorRow kOutput = {"output.weight", "lm_head.weight", vocab_shape};  // absent: tied

// Of each layer, below "blk.N." and "model.layers.N.".
constexpr std::array kLlamaLayer = {
    TensorRow{"attn_norm.weight", "input_layernorm.weight", norm_shape},
    TensorRow{"attn_q.weight", "self_attn.q_proj.weight", query_shape,
              RowOrder::kInterleavedHalves},
    TensorRow{"attn_k.weight", "self_attn.k_proj.weight", key_shape, RowOrder::kInterleavedHalves},
    TensorRow{"attn_v.weight", "self_attn.v_proj.weight", key_shape},
    TensorRow{"attn_output.weight", "self_attn.o_proj.weight", attention_output_shape},
    TensorRow{"ffn_norm.weight", "post_attention_layernorm.weight", norm_shape},
    TensorRow{"ffn_gate.weight", "mlp.gate_proj.weight", up_shape},
    TensorRow{"ffn_up.weight", "mlp.up_proj.weight", up_shape},
    TensorRow{"ffn_down.weight", "mlp.down_proj.weight", down_shape},
};

// The converter leaves the rows as they are: llama.cpp rotates this architecture's heads by halves.
constexpr std::array kQwen2Layer = {
    TensorRow{"attn_norm.weight", "input_layernorm.weight", norm_shape},
    TensorRow{"attn_q.weight", "self_attn.q_proj.weight", query_shape},
    TensorRow{"attn_q.bias", "self_attn.q_proj.bias", query_bias_shape},
    TensorRow{"attn_k.weight", "self_attn.k_proj.weight", key_shape},
    TensorRow{"attn_k.bias", "self_attn.k_proj.bias", key_bias_shape},
    TensorRow{"attn_v.weight", "self_attn.v_proj.weight", key_shape},
    TensorRow{"attn_v.bias", "self_attn.v_proj.bias", key_bias_shape},
    TensorRow{"attn_output.weight", "self_attn.o_proj.weight", attention_output_shape},
    TensorRow{"ffn_norm.weight", "post_attention_layernorm.weight", norm_shape},
    TensorRow{"ffn_gate.weight", "mlp.gate_proj.weight", up_shape},
    TensorRow{"ffn_up.weight", "mlp.up_proj.weight", up_shape},
    TensorRow{"ffn_down.weight", "mlp.down_proj.weight", down_shape},
};

// What of config.json only this family's has.
Json llama_fields() {
  return {{"attention_bias", false}, {"mlp_bias", false}};
}
Json qwen2_fields() {
  return {{"use_sliding_window", false}};
}

struct ArchitectureRow {
  std::string_view name;  // metadata general.architecture, and the prefix of the others
  std::string_view class_name;
  std::string_view model_type;
  std::span<const TensorRow> layer;
  Json (*fields)();
};

constexpr std::array kArchitectures = {
    ArchitectureRow{"llama", "LlamaForCausalLM", "llama", kLlamaLayer, llama_fields},
    ArchitectureRow{"qwen2", "Qwen2ForCausalLM", "qwen2", kQwen2Layer, qwen2_fields},
};

const ArchitectureRow& find_architecture(const GgufFile& file) {
  const auto& name = file.get<std::string>("general.architecture");
  std::vector<std::string> known;
  for (const ArchitectureRow& row : kArchitectures) {
    if (row.name == name) {
      return row;
    }
    known.emplace_back(row.name);
  }
  throw Error(file.path().string() + ": " + unknown_name("architecture", name, known));
}

// Where the rows of a written tensor are in the file, for heads of `head_dim` rows.
int64_t source_row(RowOrder order, int64_t row, int64_t head_dim) {
  if (order == RowOrder::kPlain) {
    return row;
  }
  const int64_t in_head = row % head_dim;
  const int64_t half = head_dim / 2;
  return row - in_head + 2 * (in_head % half) + in_head / half;
}

void append_bytes(const void* value, size_t count, std::vector<std::byte>& bytes) {
  const auto* const start = static_cast<const std::byte*>(value);
  bytes.insert(bytes.end(), start, start + count);
}

std::vector<std::byte> rounded(std::span<const float> values, DType dtype) {
  std::vector<std::byte> bytes;
  if (dtype == DType::kF32) {
    append_bytes(values.data(), values.size_bytes(), bytes);
    return bytes;
  }
  bytes.reserve(values.size() * sizeof(uint16_t));
  for (const float value : values) {
    const uint16_t bits = dtype == DType::kBF16 ? float_to_bfloat16(value) : float_to_half(value);
    append_bytes(&bits, sizeof(bits), bytes);
  }
  return bytes;
}

// Writes one tensor; borrows the file's bytes.
class TensorWriter {
 public:
  TensorWriter(const GgufFile& file, std::string gguf_name, RowOrder order, int64_t head_dim,
               DType dtype)
      : file_(file),
        tensor_(file.tensors().at(gguf_name)),
        gguf_name_(std::move(gguf_name)),
        order_(order),
        head_dim_(head_dim),
        dtype_(dtype) {}

  void write(AtomicFile& output) const {
    const auto row_size = static_cast<size_t>(tensor_.shape.back());
    const int64_t num_rows = tensor_.shape.size() == 1 ? 1 : tensor_.shape.front();
    std::vector<float> values(row_size);
    for (int64_t row = 0; row < num_rows; ++row) {
      const auto source = static_cast<size_t>(source_row(order_, row, head_dim_));
      dequantize(tensor_, source * row_size, values);
      check_finite({DType::kF32, {}, std::as_bytes(std::span(values))}, values, row);
      const std::vector<std::byte> bytes = rounded(values, dtype_);
      check_finite({dtype_, {}, bytes}, values, row);
      output.write(bytes);
    }
  }

 private:
  // `row` as it is, or rounded to another type.
  void check_finite(const TensorView& row, std::span<const float> values, int64_t index) const {
    const std::optional<size_t> found = find_non_finite(row);
    if (!found) {
      return;
    }
    const std::string where =
        fmt::format("{}: tensor '{}': element [{}, {}] is {}", file_.path().string(), gguf_name_,
                    index, *found, values[*found]);
    throw Error(row.dtype == DType::kF32
                    ? where + ", must be finite; the file is damaged: get it again"
                    : fmt::format("{}, too large for {}; write float32", where,
                                  config_dtype_name(row.dtype)));
  }

  const GgufFile& file_;
  const GgufTensor& tensor_;
  std::string gguf_name_;
  RowOrder order_;
  int64_t head_dim_;
  DType dtype_;
};

// The tensors of the written model; checks that the file has them all, of the right shapes, and no
// others.
class TensorList {
 public:
  TensorList(const GgufFile& file, const GgufSizes& sizes, DType dtype)
      : file_(file), sizes_(sizes), dtype_(dtype) {}

  void add(const TensorRow& row, const std::string& gguf_prefix = "",
           const std::string& prefix = "") {
    const std::string gguf_name = gguf_prefix + std::string(row.gguf_name);
    const auto found = file_.tensors().find(gguf_name);
    if (found == file_.tensors().end()) {
      refuse(gguf_name, "is missing");
    }
    Shape shape = row.shape(sizes_);
    if (found->second.shape != shape) {
      refuse(gguf_name, fmt::format("has shape [{}], [{}] by the metadata",
                                    fmt::join(found->second.shape, ", "), fmt::join(shape, ", ")));
    }
    const TensorWriter writer(file_, gguf_name, row.order, sizes_.head_dim, dtype_);
    sources_.push_back({prefix + std::string(row.name), dtype_, std::move(shape),
                        [writer](AtomicFile& output) { writer.write(output); }});
    used_.insert(gguf_name);
  }

  std::vector<TensorSource> take() {
    for (const auto& [name, tensor] : file_.tensors()) {
      if (name == "rope_freqs.weight") {
        refuse(name, "scales the rotary frequencies; such models are not supported");
      }
      if (!used_.contains(name)) {
        refuse(name, "is not part of this architecture as it is supported");
      }
    }
    return std::move(sources_);
  }

 private:
  [[noreturn]] void refuse(const std::string& tensor, const std::string& why) const {
    throw Error(fmt::format("{}: tensor '{}' {}", file_.path().string(), tensor, why));
  }

  const GgufFile& file_;
  const GgufSizes& sizes_;
  DType dtype_;
  std::vector<TensorSource> sources_;
  std::set<std::string> used_;
};

}  // namespace

std::string_view config_dtype_name(DType dtype) {
  SFT_CHECK(dtype == DType::kF32 || dtype == DType::kBF16 || dtype == DType::kF16);
  return dtype == DType::kF32 ? "float32" : dtype == DType::kBF16 ? "bfloat16" : "float16";
}

void write_gguf_model(const GgufFile& file, DType dtype, const std::filesystem::path& folder) {
  const ArchitectureRow& row = find_architecture(file);
  const GgufFamily family = {std::string(row.name), std::string(row.class_name),
                             std::string(row.model_type), row.fields()};
  const GgufSizes sizes = read_gguf_sizes(file, family.architecture);
  const bool is_tied = !file.tensors().contains(std::string(kOutput.gguf_name));
  const Json config = make_config(file, family, sizes, config_dtype_name(dtype), is_tied);
  const Json generation_config = make_generation_config(file, sizes);
  TensorList tensors(file, sizes, dtype);
  tensors.add(kEmbedding);
  tensors.add(kLastNorm);
  if (!is_tied) {
    tensors.add(kOutput);
  }
  for (int64_t layer = 0; layer < sizes.layers; ++layer) {
    for (const TensorRow& tensor : row.layer) {
      tensors.add(tensor, fmt::format("blk.{}.", layer), fmt::format("model.layers.{}.", layer));
    }
  }
  std::vector<TensorSource> sources = tensors.take();
  write_file(folder / "config.json", dump_json(config, JsonLayout::kIndented));
  write_file(folder / "generation_config.json",
             dump_json(generation_config, JsonLayout::kIndented));
  write_safetensors_folder(folder, std::move(sources));
}

}  // namespace sft
