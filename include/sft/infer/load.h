#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "sft/infer/language_model.h"

namespace sft {

struct LoadOptions {
  enum class DType { kAuto, kBf16, kFloat32 };

  std::filesystem::path folder;
  DType dtype = DType::kAuto;
};

struct LoadedModel {
  std::unique_ptr<LanguageModel> model;
  std::string weights_sha256;
  LoadOptions::DType dtype = LoadOptions::DType::kBf16;  // the one in use, never kAuto
};

// Loads a model folder. Throws Error.
LoadedModel load_language_model(const LoadOptions& options);

}  // namespace sft
