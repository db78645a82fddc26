#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "sft/io/file.h"

namespace sft {

// Tensor types that are read; the numbers are the format's.
enum class GgufType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ40 = 2,
  kQ41 = 3,
  kQ50 = 6,
  kQ51 = 7,
  kQ80 = 8,
  kBF16 = 30,
};
std::string_view gguf_type_name(GgufType type);  // "F32", "Q4_1"

// A metadata value. All integer types come as int64_t (larger ones are refused on opening), both
// float types as double.
using GgufValue = std::variant<bool, int64_t, double, std::string, std::vector<bool>,
                               std::vector<int64_t>, std::vector<double>, std::vector<std::string>>;

struct GgufTensor {
  GgufType type = GgufType::kF32;
  std::vector<int64_t> shape;  // outermost first (the file has it the other way round)
  std::span<const std::byte> bytes;
};

// A GGUF file, version 2 or 3, little-endian, mapped. Everything is checked on opening, before use:
// counts and lengths against the file's size, types, duplicate names, shapes against blocks,
// offsets against alignment, overlaps and the file's end. Throws Error: file, what, both values.
class GgufFile {
 public:
  explicit GgufFile(const std::filesystem::path& path);

  const std::map<std::string, GgufValue>& metadata() const { return metadata_; }
  const std::map<std::string, GgufTensor>& tensors() const { return tensors_; }
  const std::filesystem::path& path() const { return file_.path(); }

  // Null where there is no such key.
  const GgufValue* find(const std::string& key) const;
  // The value as T, one of GgufValue's types. Null where absent; throws Error that names file and
  // key where it is of another type.
  template <typename T>
  const T* find_as(const std::string& key) const;
  // The same, but throws Error where absent, too.
  template <typename T>
  const T& get(const std::string& key) const;

 private:
  [[noreturn]] void refuse_type(const std::string& key, const GgufValue& wanted) const;
  [[noreturn]] void refuse_missing(const std::string& key) const;

  MappedFile file_;
  std::map<std::string, GgufValue> metadata_;
  std::map<std::string, GgufTensor> tensors_;
};

template <typename T>
const T* GgufFile::find_as(const std::string& key) const {
  const GgufValue* const value = find(key);
  if (value == nullptr) {
    return nullptr;
  }
  const T* const typed = std::get_if<T>(value);
  if (typed == nullptr) {
    refuse_type(key, T{});
  }
  return typed;
}

template <typename T>
const T& GgufFile::get(const std::string& key) const {
  const T* const value = find_as<T>(key);
  if (value == nullptr) {
    refuse_missing(key);
  }
  return *value;
}

}  // namespace sft
