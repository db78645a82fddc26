// The safetensors format:
//     header_bytes: u64, little-endian
//     header: JSON, padded with spaces
//         {"__metadata__": {"k": "v"}, "name": {"dtype": "F32", "shape": [2, 3],
//          "data_offsets": [begin, end]}, ...}
//     data: the tensors, without gaps; offsets count from its first byte

#include "sft/io/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "io/tensor_sources.h"

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/io/json.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kLengthBytes = 8;
constexpr const char* kMetadataKey = "__metadata__";

struct DTypeRow {
  DType dtype;
  std::string_view name;
  size_t bytes;
};

constexpr std::array kDTypes = {
    DTypeRow{DType::kF32, "F32", 4},   DTypeRow{DType::kF16, "F16", 2},
    DTypeRow{DType::kBF16, "BF16", 2}, DTypeRow{DType::kF64, "F64", 8},
    DTypeRow{DType::kI64, "I64", 8},   DTypeRow{DType::kI32, "I32", 4},
    DTypeRow{DType::kI16, "I16", 2},   DTypeRow{DType::kI8, "I8", 1},
    DTypeRow{DType::kU8, "U8", 1},     DTypeRow{DType::kBool, "BOOL", 1},
};

const DTypeRow& dtype_row(DType dtype) {
  const auto* const row = std::find_if(kDTypes.begin(), kDTypes.end(),
                                       [&](const DTypeRow& r) { return r.dtype == dtype; });
  SFT_CHECK(row != kDTypes.end());
  return *row;
}

DType parse_dtype(const std::string& name, const std::string& where) {
  std::string known;
  for (const DTypeRow& row : kDTypes) {
    if (row.name == name) {
      return row.dtype;
    }
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(fmt::format("{}: dtype '{}' is not supported (known: {})", where, name, known));
}

// A whole number of the header that is at least zero.
uint64_t parse_size(const Json& value, const std::string& what, const std::string& where) {
  if (!value.is_number_unsigned() || !std::in_range<int64_t>(value.get<uint64_t>())) {
    throw Error(fmt::format(
        "{}: {} has {}, must be a whole number of at least 0", where, what,
        value.is_structured() ? "a list or an object" : dump_json(value, JsonLayout::kCompact)));
  }
  return value.get<uint64_t>();
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

// A tensor of the header; `data` are the file's bytes after the header.
TensorView parse_tensor(const Json& entry, std::span<const std::byte> data,
                        const std::string& where) {
  TensorView view;
  view.dtype = parse_dtype(json_member<std::string>(entry, "dtype", where), where);
  const Json shape = json_member<Json>(entry, "shape", where);
  const Json offsets = json_member<Json>(entry, "data_offsets", where);
  if (!shape.is_array()) {
    throw Error(where + ": 'shape' is no list of sizes");
  }
  if (!offsets.is_array() || offsets.size() != 2) {
    throw Error(where + ": 'data_offsets' is no list of two numbers");
  }
  for (const Json& size : shape) {
    view.shape.push_back(static_cast<int64_t>(parse_size(size, "'shape'", where)));
  }
  const uint64_t begin = parse_size(offsets[0], "'data_offsets'", where);
  const uint64_t end = parse_size(offsets[1], "'data_offsets'", where);
  const std::optional<uint64_t> bytes = tensor_bytes(view.dtype, view.shape);
  if (end < begin || !bytes || *bytes != end - begin) {
    throw Error(fmt::format("{}: shape {} of {} needs {} bytes, 'data_offsets' [{}, {}] hold {}",
                            where, shape_text(view.shape), dtype_name(view.dtype),
                            bytes ? std::to_string(*bytes) : "more than 2^64", begin, end,
                            end < begin ? "none" : std::to_string(end - begin)));
  }
  if (end > data.size()) {
    throw Error(
        fmt::format("{}: its data end at byte {}, the file's end at {}; the file is cut "
                    "short: get it again",
                    where, end, data.size()));
  }
  view.bytes = data.subspan(begin, end - begin);
  return view;
}

// The tensors must fill the data from first to last byte, each byte once.
void check_no_gaps(const std::map<std::string, TensorView>& tensors,
                   std::span<const std::byte> data, const std::filesystem::path& path) {
  std::vector<std::pair<std::span<const std::byte>, std::string>> places;
  places.reserve(tensors.size());
  for (const auto& [name, view] : tensors) {
    places.emplace_back(view.bytes, name);
  }
  std::sort(places.begin(), places.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.data(), a.first.size()) < std::pair(b.first.data(), b.first.size());
  });
  size_t expected = 0;
  for (const auto& [bytes, name] : places) {
    const auto begin = static_cast<size_t>(bytes.data() - data.data());
    if (begin != expected) {
      throw Error(
          fmt::format("{}: tensor '{}' starts at byte {} of the data, the one before ends "
                      "at {}; tensors must neither overlap nor leave gaps",
                      path.string(), name, begin, expected));
    }
    expected = begin + bytes.size();
  }
  if (expected != data.size()) {
    throw Error(fmt::format("{}: its tensors end at byte {} of the data, the file's end at {}",
                            path.string(), expected, data.size()));
  }
}

std::map<std::string, std::string> parse_metadata(const Json& entry, const std::string& where) {
  if (!entry.is_object()) {
    throw Error(where + ": '__metadata__' is no object");
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) {
      throw Error(fmt::format("{}: '__metadata__' has '{}' that is no text", where, key));
    }
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

// Widest elements first, then by name, which must differ.
void sort_for_writing(std::vector<TensorSource>& tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorSource& a, const TensorSource& b) {
    const size_t a_bytes = dtype_bytes(a.dtype);
    const size_t b_bytes = dtype_bytes(b.dtype);
    return a_bytes != b_bytes ? a_bytes > b_bytes : a.name < b.name;
  });
  std::set<std::string_view> names = {kMetadataKey};
  for (const TensorSource& tensor : tensors) {
    SFT_CHECK(names.insert(tensor.name).second);
  }
}

std::string make_header(const std::vector<TensorSource>& tensors) {
  Json header = Json::object();
  Json::object_t& members = header.get_ref<Json::object_t&>();
  members.emplace_back(kMetadataKey, Json{{"format", "pt"}});
  uint64_t offset = 0;
  for (const TensorSource& tensor : tensors) {
    const uint64_t end = offset + tensor_bytes(tensor.dtype, tensor.shape).value();
    members.emplace_back(tensor.name, Json{{"dtype", dtype_name(tensor.dtype)},
                                           {"shape", tensor.shape},
                                           {"data_offsets", {offset, end}}});
    offset = end;
  }
  std::string text = dump_json(header, JsonLayout::kCompact);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

std::string_view dtype_name(DType dtype) {
  return dtype_row(dtype).name;
}
size_t dtype_bytes(DType dtype) {
  return dtype_row(dtype).bytes;
}

std::optional<uint64_t> tensor_bytes(DType dtype, const std::vector<int64_t>& shape) {
  uint64_t bytes = dtype_bytes(dtype);
  for (const int64_t size : shape) {
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
  read_header();
}

void SafetensorsFile::read_header() {
  const std::span<const std::byte> bytes = file_.bytes();
  const std::string name = path().string();
  if (bytes.size() < kLengthBytes) {
    throw Error(fmt::format("{}: {} bytes long, too short for a safetensors file; get it again",
                            name, bytes.size()));
  }
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), kLengthBytes);
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - kLengthBytes) {
    throw Error(
        fmt::format("{}: says its header takes {} bytes, the file has {}; it is no "
                    "safetensors file, or is cut short: get it again",
                    name, header_bytes, bytes.size()));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                              header_bytes);
  const Json header = parse_json(text, name + ": header");
  if (!header.is_object()) {
    throw Error(name + ": header: no JSON object");
  }
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + header_bytes);
  for (const auto& [key, entry] : header.get_ref<const Json::object_t&>()) {
    if (key == kMetadataKey) {
      metadata_ = parse_metadata(entry, name);
    } else {
      tensors_.emplace(key, parse_tensor(entry, data, fmt::format("{}: tensor '{}'", name, key)));
    }
  }
  check_no_gaps(tensors_, data, path());
}

void write_safetensors(const std::filesystem::path& path, std::vector<TensorSource> tensors) {
  sort_for_writing(tensors);
  const std::string header = make_header(tensors);
  const uint64_t header_bytes = header.size();
  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&header_bytes, 1)));
  file.write(header);
  for (const TensorSource& tensor : tensors) {
    const uint64_t start = file.size();
    tensor.write(file);
    SFT_CHECK(file.size() - start == tensor_bytes(tensor.dtype, tensor.shape));
  }
  file.commit();
}

std::vector<TensorSource> tensor_sources(std::vector<NamedTensor> tensors) {
  std::vector<TensorSource> sources;
  for (NamedTensor& tensor : tensors) {
    const std::span<const std::byte> bytes = tensor.view.bytes;
    sources.push_back({std::move(tensor.name), tensor.view.dtype, std::move(tensor.view.shape),
                       [bytes](AtomicFile& file) { file.write(bytes); }});
  }
  return sources;
}

void write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors) {
  write_safetensors(path, tensor_sources(std::move(tensors)));
}

std::string weights_sha256(const std::map<std::string, TensorView>& tensors) {
  Sha256 hash;
  for (const auto& [name, view] : tensors) {
    hash.update(
        fmt::format("{}\n{}\n{}\n", name, dtype_name(view.dtype), fmt::join(view.shape, ",")));
    hash.update(view.bytes);
  }
  return hash.hex();
}

}  // namespace sft
