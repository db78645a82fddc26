// The GGUF format, all numbers little-endian:
//     "GGUF", version: u32, tensor count: u64, metadata count: u64
//     metadata, each:  key: string, type: u32, value
//     tensors, each:   name: string, dimension count: u32, sizes: u64[], innermost first,
//                      type: u32, offset: u64
//     padding to the alignment (metadata general.alignment, or 32), then the tensors' data;
//     offsets count from its first byte and are multiples of the alignment
// A string is its length (u64) and its bytes; an array is its items' type (u32), their number (u64)
// and the items.

#include "sft/io/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "io/gguf_blocks.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMaxAlignment = 1 << 20;
constexpr uint32_t kMaxDimensions = 4;
// Of all that comes before the tensors' data, some ten times the largest there is: in memory
// numbers and empty strings take several times their bytes, and a file with holes costs its maker
// nothing.
constexpr uint64_t kMaxHeaderBytes = 256'000'000;
// The fewest bytes that an entry takes: bounds on counts, before anything is allocated.
constexpr uint64_t kMinMetadataBytes = 8 + 4 + 1;
constexpr uint64_t kMinTensorBytes = 8 + 4 + 4 + 8;

// The format's value types.
enum class ValueType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
};

// What GgufValue's types are called in messages, in its order.
constexpr std::array kValueNames = {
    "a truth value",          "a whole number",          "a number",          "a text",
    "a list of truth values", "a list of whole numbers", "a list of numbers", "a list of texts"};

// A place in the file. Every reader checks that the bytes are there.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, std::string file)
      : bytes_(bytes), file_(std::move(file)) {}

  // What is being read, for messages: "metadata 'general.name'".
  void set_subject(std::string subject) { subject_ = std::move(subject); }

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string string() {
    const auto length = number<uint64_t>();
    const std::span<const std::byte> bytes = take(length);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  // How many items of at least `min_bytes` each follow.
  uint64_t count(uint64_t min_bytes, std::string_view what) {
    const auto count = number<uint64_t>();
    if (count > remaining() / min_bytes) {
      refuse(fmt::format("says that {} {} follow, in {} bytes", count, what, remaining()));
    }
    check_header_bytes(count * min_bytes);
    return count;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(fmt::format("{}: {}{}{}", file_, subject_, subject_.empty() ? "" : ": ", why));
  }

 private:
  // `count` bytes are in the file.
  void check_header_bytes(uint64_t count) const {
    if (position_ + count > kMaxHeaderBytes) {
      refuse(fmt::format("takes {} bytes at byte {}; at most {} bytes of metadata are read", count,
                         position_, kMaxHeaderBytes));
    }
  }

  std::span<const std::byte> take(uint64_t count) {
    if (count > remaining()) {
      refuse(
          fmt::format("needs {} bytes at byte {}, the file ends at {}; it is cut short or broken:"
                      " get it again",
                      count, position_, bytes_.size()));
    }
    check_header_bytes(count);
    const std::span<const std::byte> taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  std::span<const std::byte> bytes_;
  std::string file_;
  std::string subject_;
  uint64_t position_ = 0;
};

// Reads a number of type T as what GgufValue has for it.
template <typename T>
auto read_number(Cursor& cursor) {
  const T value = cursor.number<T>();
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(value);
  } else {
    if (!std::in_range<int64_t>(value)) {
      cursor.refuse(fmt::format("the value {} is larger than {}", value,
                                std::numeric_limits<int64_t>::max()));
    }
    return static_cast<int64_t>(value);
  }
}

bool read_bool(Cursor& cursor) {
  const auto value = cursor.number<uint8_t>();
  if (value > 1) {
    cursor.refuse(fmt::format("a truth value is {}, must be 0 or 1", value));
  }
  return value != 0;
}

std::string read_string(Cursor& cursor) {
  return cursor.string();
}

// `read` once for a single value, or for each item of an array.
template <typename Read>
GgufValue read_as(Cursor& cursor, Read read, uint64_t item_bytes, bool is_array) {
  if (!is_array) {
    return read(cursor);
  }
  const uint64_t count = cursor.count(item_bytes, "items");
  std::vector<decltype(read(cursor))> items;
  items.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    items.push_back(read(cursor));
  }
  return items;
}

GgufValue read_typed(Cursor& cursor, ValueType type, bool is_array) {
  switch (type) {
    case ValueType::kUint8:
      return read_as(cursor, read_number<uint8_t>, 1, is_array);
    case ValueType::kInt8:
      return read_as(cursor, read_number<int8_t>, 1, is_array);
    case ValueType::kUint16:
      return read_as(cursor, read_number<uint16_t>, 2, is_array);
    case ValueType::kInt16:
      return read_as(cursor, read_number<int16_t>, 2, is_array);
    case ValueType::kUint32:
      return read_as(cursor, read_number<uint32_t>, 4, is_array);
    case ValueType::kInt32:
      return read_as(cursor, read_number<int32_t>, 4, is_array);
    case ValueType::kUint64:
      return read_as(cursor, read_number<uint64_t>, 8, is_array);
    case ValueType::kInt64:
      return read_as(cursor, read_number<int64_t>, 8, is_array);
    case ValueType::kFloat32:
      return read_as(cursor, read_number<float>, 4, is_array);
    case ValueType::kFloat64:
      return read_as(cursor, read_number<double>, 8, is_array);
    case ValueType::kBool:
      return read_as(cursor, read_bool, 1, is_array);
    case ValueType::kString:
      return read_as(cursor, read_string, 8, is_array);
    case ValueType::kArray:
      cursor.refuse("arrays of arrays are not supported");
  }
  cursor.refuse(fmt::format("unknown value type {}", static_cast<uint32_t>(type)));
}

GgufValue read_value(Cursor& cursor) {
  const auto type = static_cast<ValueType>(cursor.number<uint32_t>());
  if (type != ValueType::kArray) {
    return read_typed(cursor, type, /*is_array=*/false);
  }
  return read_typed(cursor, static_cast<ValueType>(cursor.number<uint32_t>()), /*is_array=*/true);
}

std::map<std::string, GgufValue> read_metadata(Cursor& cursor, uint64_t count) {
  std::map<std::string, GgufValue> metadata;
  for (uint64_t i = 0; i < count; ++i) {
    cursor.set_subject(fmt::format("key of metadata {} of {}", i + 1, count));
    std::string key = cursor.string();
    cursor.set_subject(fmt::format("metadata '{}'", key));
    GgufValue value = read_value(cursor);
    if (!metadata.emplace(std::move(key), std::move(value)).second) {
      cursor.refuse("is there twice");
    }
  }
  cursor.set_subject("");
  return metadata;
}

struct TensorInfo {
  std::string name;
  GgufTensor tensor;  // without its bytes
  uint64_t num_bytes = 0;
  uint64_t offset = 0;
};

// The sizes, outermost first.
std::vector<int64_t> read_shape(Cursor& cursor) {
  const auto num_dimensions = cursor.number<uint32_t>();
  if (num_dimensions == 0 || num_dimensions > kMaxDimensions) {
    cursor.refuse(
        fmt::format("has {} dimensions, must have 1 to {}", num_dimensions, kMaxDimensions));
  }
  std::vector<int64_t> shape;
  for (uint32_t i = 0; i < num_dimensions; ++i) {
    const int64_t size = read_number<uint64_t>(cursor);
    if (size == 0) {
      cursor.refuse("has a dimension of size 0");
    }
    shape.push_back(size);
  }
  std::reverse(shape.begin(), shape.end());
  return shape;
}

TensorInfo read_tensor_info(Cursor& cursor) {
  TensorInfo info;
  info.name = cursor.string();
  cursor.set_subject(fmt::format("tensor '{}'", info.name));
  info.tensor.shape = read_shape(cursor);
  const auto type_id = cursor.number<uint32_t>();
  const GgufBlock* const block = find_gguf_block(type_id);
  if (block == nullptr) {
    cursor.refuse(
        fmt::format("is of type {}, which is not supported (known: {}); take a file of "
                    "such a type",
                    gguf_type_text(type_id), known_gguf_types()));
  }
  info.tensor.type = block->type;
  const auto row = static_cast<uint64_t>(info.tensor.shape.back());
  if (row % block->num_elements != 0) {
    cursor.refuse(fmt::format("rows of {} elements, {} has blocks of {}", row, block->name,
                              block->num_elements));
  }
  uint64_t num_elements = 1;
  bool is_huge = false;
  for (const int64_t size : info.tensor.shape) {
    is_huge |= __builtin_mul_overflow(num_elements, static_cast<uint64_t>(size), &num_elements);
  }
  is_huge |=
      __builtin_mul_overflow(num_elements / block->num_elements, block->num_bytes, &info.num_bytes);
  if (is_huge) {
    cursor.refuse("is larger than 2^64 bytes");
  }
  info.offset = cursor.number<uint64_t>();
  return info;
}

std::vector<TensorInfo> read_tensor_infos(Cursor& cursor, uint64_t count) {
  std::vector<TensorInfo> infos;
  for (uint64_t i = 0; i < count; ++i) {
    cursor.set_subject(fmt::format("name of tensor {} of {}", i + 1, count));
    infos.push_back(read_tensor_info(cursor));
  }
  cursor.set_subject("");
  return infos;
}

uint64_t read_alignment(const Cursor& cursor, const std::map<std::string, GgufValue>& metadata) {
  const auto found = metadata.find("general.alignment");
  if (found == metadata.end()) {
    return kDefaultAlignment;
  }
  const int64_t* const value = std::get_if<int64_t>(&found->second);
  if (value == nullptr || *value < 1 || static_cast<uint64_t>(*value) > kMaxAlignment ||
      !std::has_single_bit(static_cast<uint64_t>(*value))) {
    cursor.refuse(fmt::format("metadata 'general.alignment' is {}, must be a power of two up to {}",
                              value == nullptr ? "no whole number" : std::to_string(*value),
                              kMaxAlignment));
  }
  return static_cast<uint64_t>(*value);
}

// Gives each tensor its bytes of `data`, which must be apart from all others'.
std::map<std::string, GgufTensor> place_tensors(const Cursor& cursor, std::vector<TensorInfo> infos,
                                                uint64_t alignment,
                                                std::span<const std::byte> data) {
  std::sort(infos.begin(), infos.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.offset < b.offset; });
  std::map<std::string, GgufTensor> tensors;
  uint64_t last_end = 0;
  for (TensorInfo& info : infos) {
    const auto refuse = [&](const std::string& why) {
      cursor.refuse(fmt::format("tensor '{}': {}", info.name, why));
    };
    if (info.offset % alignment != 0) {
      refuse(fmt::format("starts at byte {} of the data, which is no multiple of {}", info.offset,
                         alignment));
    }
    if (info.offset > data.size() || info.num_bytes > data.size() - info.offset) {
      refuse(
          fmt::format("has {} bytes at byte {} of the data, the file has {}; it is cut short or "
                      "broken: get it again",
                      info.num_bytes, info.offset, data.size()));
    }
    if (info.offset < last_end) {
      refuse(fmt::format("starts at byte {} of the data, the one before ends at {}", info.offset,
                         last_end));
    }
    last_end = info.offset + info.num_bytes;
    info.tensor.bytes = data.subspan(info.offset, info.num_bytes);
    if (!tensors.emplace(info.name, std::move(info.tensor)).second) {
      refuse("is there twice");
    }
  }
  return tensors;
}

void check_version(const Cursor& cursor, uint32_t version) {
  if (version == 2 || version == 3) {
    return;
  }
  if (__builtin_bswap32(version) == 2 || __builtin_bswap32(version) == 3) {
    cursor.refuse("is a big-endian GGUF file; convert it to little-endian");
  }
  cursor.refuse(fmt::format("is GGUF version {}, versions 2 and 3 are read", version));
}

std::string describe(const GgufValue& value) {
  return kValueNames.at(value.index());
}

}  // namespace

std::string_view gguf_type_name(GgufType type) {
  return find_gguf_block(static_cast<uint32_t>(type))->name;
}

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
  const std::span<const std::byte> bytes = file_.bytes();
  Cursor cursor(bytes, path.string());
  if (bytes.size() < kMagic.size() ||
      std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    cursor.refuse("is no GGUF file (it does not start with 'GGUF')");
  }
  cursor.number<uint32_t>();
  check_version(cursor, cursor.number<uint32_t>());
  const uint64_t num_tensors = cursor.count(kMinTensorBytes, "tensors");
  const uint64_t num_metadata = cursor.count(kMinMetadataBytes, "metadata values");
  metadata_ = read_metadata(cursor, num_metadata);
  std::vector<TensorInfo> infos = read_tensor_infos(cursor, num_tensors);
  const uint64_t alignment = read_alignment(cursor, metadata_);
  const uint64_t data_start = (cursor.position() + alignment - 1) / alignment * alignment;
  const std::span<const std::byte> data =
      data_start < bytes.size() ? bytes.subspan(data_start) : std::span<const std::byte>();
  tensors_ = place_tensors(cursor, std::move(infos), alignment, data);
}

const GgufValue* GgufFile::find(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

void GgufFile::refuse_type(const std::string& key, const GgufValue& wanted) const {
  throw Error(fmt::format("{}: metadata '{}' is {}, must be {}", path().string(), key,
                          describe(*find(key)), describe(wanted)));
}

void GgufFile::refuse_missing(const std::string& key) const {
  throw Error(fmt::format("{}: metadata '{}' is missing", path().string(), key));
}

}  // namespace sft
