#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sft/infer/engine.h"
#include "sft/infer/language_model.h"

namespace sft {

struct LoadOptions {
  enum class DType { kAuto, kBf16, kFloat32 };
  std::filesystem::path folder;       // in Hugging Face layout
  std::filesystem::path adapter;      // an adapter's folder, or ""
  DType dtype = DType::kAuto;         // kAuto: bf16 where the hardware computes in it, else float32
  std::filesystem::path hash_memory;  // see WeightsHashMemory; empty: hashed anew
};

// Raised with every change of the engine that can change what a model answers.
inline constexpr int kArithmeticVersion = 3;

struct LoadedModel {
  std::unique_ptr<Engine> model;
  std::filesystem::path folder;
  std::string dtype;           // what kAuto came to: "bf16" or "float32"
  std::string weights_sha256;  // see weights_sha256 in io/safetensors.h
  std::optional<std::string> adapter_sha256;
  // Of the files beside the weights that decide what the model answers: its config, the end tokens,
  // the tokenizer, the adapter's config.
  std::string settings_sha256;
  std::string device;  // the kind: "cpu"
};

// Reads a model folder, its tokenizer and the adapter. Throws Error.
LoadedModel load_language_model(const LoadOptions& options);

// Puts another adapter on the same weights, or none where `adapter` is "". Throws Error where it is
// not this model's.
void change_adapter(LoadedModel& loaded, const std::filesystem::path& adapter);

// What a prompt's ids are to a model: themselves, or the EOS token where there are none (an empty
// prompt of a tokenizer without BOS), since a model needs a token to predict from. Throws Error
// where there is no EOS token either.
std::vector<int32_t> context_ids(const Tokenizer& tokenizer, std::vector<int32_t> prompt_ids);

}  // namespace sft
