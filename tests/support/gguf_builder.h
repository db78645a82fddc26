#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sft {

// Builds GGUF files by hand, right or wrong ones.
class GgufBuilder {
 public:
  template <typename T>
  static std::string number(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof(T)};
  }
  static std::string text(std::string_view value) {
    return number<uint64_t>(value.size()) + std::string(value);
  }

  // Metadata. `raw` takes the value's type and bytes.
  GgufBuilder& raw(std::string_view key, uint32_t type, const std::string& bytes) {
    metadata_ += text(key) + number(type) + bytes;
    ++num_metadata_;
    return *this;
  }
  GgufBuilder& integer(std::string_view key, uint32_t value) { return raw(key, 4, number(value)); }
  GgufBuilder& real(std::string_view key, float value) { return raw(key, 6, number(value)); }
  GgufBuilder& string(std::string_view key, std::string_view value) {
    return raw(key, 8, text(value));
  }
  GgufBuilder& strings(std::string_view key, const std::vector<std::string>& values) {
    std::string bytes = number<uint32_t>(8) + number<uint64_t>(values.size());
    for (const std::string& value : values) {
      bytes += text(value);
    }
    return raw(key, 9, bytes);
  }

  // A tensor; `sizes` innermost first, as in the file. Its data are appended, padded to 32 bytes.
  GgufBuilder& tensor(std::string_view name, const std::vector<uint64_t>& sizes, uint32_t type,
                      const std::string& data) {
    return tensor_at(name, sizes, type, data_.size(), data);
  }
  GgufBuilder& tensor_at(std::string_view name, const std::vector<uint64_t>& sizes, uint32_t type,
                         uint64_t offset, const std::string& data) {
    tensors_ += text(name) + number(static_cast<uint32_t>(sizes.size()));
    for (const uint64_t size : sizes) {
      tensors_ += number(size);
    }
    tensors_ += number(type) + number(offset);
    ++num_tensors_;
    data_ += data;
    data_.resize((data_.size() + 31) / 32 * 32);
    return *this;
  }

  std::string bytes(uint32_t version = 3) const {
    std::string file = "GGUF" + number(version) + number(num_tensors_) + number(num_metadata_) +
                       metadata_ + tensors_;
    file.resize((file.size() + 31) / 32 * 32);
    return file + data_;
  }

 private:
  std::string metadata_;
  std::string tensors_;
  std::string data_;
  uint64_t num_metadata_ = 0;
  uint64_t num_tensors_ = 0;
};

}  // namespace sft
