#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sft/io/file.h"

namespace sft {

// Element types of a tensor on disk. Others of the format (8-bit floats and such) are refused by
// name on opening a file; what is no weight (F64, integers) where a weight is asked for.
enum class DType { kF32, kF16, kBF16, kF64, kI64, kI32, kI16, kI8, kU8, kBool };
std::string_view dtype_name(DType dtype);  // safetensors' names: "F32", "BF16"
size_t dtype_bytes(DType dtype);
// The bytes of a tensor of this shape (no size below 0); none where they pass 64 bits.
std::optional<uint64_t> tensor_bytes(DType dtype, const std::vector<int64_t>& shape);

// A tensor's place: `bytes` are row-major, little-endian, at any address (not aligned), and live as
// long as the file is mapped.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
};

// A safetensors file (u64 little-endian header length, JSON header, data; see the format's
// specification), mapped. Everything is checked on opening, before use: header length and JSON
// depth, each dtype and shape against its offsets (products without overflow), offsets inside the
// file, no gaps and no overlaps. Throws Error: file, tensor, both values.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::filesystem::path& path() const { return file_.path(); }

 private:
  void read_header();

  MappedFile file_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

// The weights of a model folder: model.safetensors, or model.safetensors.index.json with its
// shards (plain names in the same folder; each tensor in the shard that the index names). Links are
// followed, but a shard's only inside the folder, and to the blobs of a hub cache.
class SafetensorsFolder {
 public:
  // Throws Error where a file is missing, saying which and what to do.
  explicit SafetensorsFolder(const std::filesystem::path& folder);

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  // Which file a tensor is in, for messages.
  const std::filesystem::path& file_of(const std::string& tensor) const;

 private:
  void add_file(const std::filesystem::path& path);
  void read_shards(const std::filesystem::path& index_path);

  std::vector<SafetensorsFile> files_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, size_t> file_index_;
};

struct NamedTensor {
  std::string name;
  TensorView view;
};

// A tensor that is made when its turn to be written comes, so that not all have to be in memory.
struct TensorSource {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  // Writes exactly the bytes that dtype and shape need.
  std::function<void(AtomicFile& file)> write;
};

// Writes `tensors` as one file, as AtomicFile does; the header is aligned to 8 bytes and says
// {"format": "pt"}, as transformers expects. Widest elements first, so that each tensor is aligned
// to its own, then by name: equal tensors give equal bytes in whatever order they come.
void write_safetensors(const std::filesystem::path& path, std::vector<TensorSource> tensors);
void write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors);

// Writes a model folder's weights: model.safetensors, or shards of at most `max_shard_bytes` (or
// one tensor) and model.safetensors.index.json, named as transformers names them. Each file is
// atomic, all of them are not: call it on the staging folder of an AtomicFolder.
void write_safetensors_folder(const std::filesystem::path& folder,
                              std::vector<TensorSource> tensors,
                              uint64_t max_shard_bytes = 5'000'000'000);
void write_safetensors_folder(const std::filesystem::path& folder, std::vector<NamedTensor> tensors,
                              uint64_t max_shard_bytes = 5'000'000'000);

// SHA-256 over name, dtype, shape and bytes of each tensor in the order of names: for each, the
// text "{name}\n{dtype}\n{d0,d1,...}\n" and then its bytes. The identity of a model's weights,
// whatever files they are in.
std::string weights_sha256(const std::map<std::string, TensorView>& tensors);

}  // namespace sft
