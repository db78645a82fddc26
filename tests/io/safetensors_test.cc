#include "sft/io/safetensors.h"

#include <array>
#include <cstring>
#include <fstream>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/io/json.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Key;

std::string file_text(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof(size)) + header + data;
}

// Owns the bytes that views show.
class Tensors {
 public:
  void add(const std::string& name, DType dtype, std::vector<int64_t> shape) {
    size_t bytes = dtype_bytes(dtype);
    for (const int64_t size : shape) {
      bytes *= static_cast<size_t>(size);
    }
    std::vector<std::byte>& data = data_.emplace_back(bytes);
    for (size_t i = 0; i < bytes; ++i) {
      data[i] = static_cast<std::byte>(i * 7 + data_.size());
    }
    list.push_back({name, {dtype, std::move(shape), data}});
  }
  std::vector<NamedTensor> list;

 private:
  std::vector<std::vector<std::byte>> data_;
};

Tensors some_tensors() {
  Tensors tensors;
  tensors.add("b.half", DType::kBF16, {3});
  tensors.add("a.float", DType::kF32, {2, 3});
  tensors.add("scalar", DType::kF32, {});
  tensors.add("none", DType::kF16, {0, 4});
  return tensors;
}

std::string open_message(const TempFolder& temp, const std::string& bytes) {
  const fs::path path = temp.write("x.safetensors", bytes);
  const std::string message = message_of([&] { const SafetensorsFile file(path); });
  return message.starts_with(path.string()) ? message.substr(path.string().size()) : message;
}

TEST(Safetensors, ReadsWhatItWrites) {
  const TempFolder temp;
  const fs::path path = temp.path() / "x.safetensors";
  const Tensors tensors = some_tensors();
  write_safetensors(path, tensors.list);
  const SafetensorsFile file(path);
  EXPECT_THAT(file.metadata(), ElementsAre(std::pair("format", "pt")));
  ASSERT_EQ(file.tensors().size(), tensors.list.size());
  for (const NamedTensor& tensor : tensors.list) {
    const TensorView& view = file.tensors().at(tensor.name);
    EXPECT_EQ(view.dtype, tensor.view.dtype);
    EXPECT_EQ(view.shape, tensor.view.shape);
    EXPECT_TRUE(std::equal(view.bytes.begin(), view.bytes.end(), tensor.view.bytes.begin(),
                           tensor.view.bytes.end()))
        << tensor.name;
  }
}

TEST(Safetensors, WritesTheSameBytesInWhateverOrderAndAlignsEachTensor) {
  const TempFolder temp;
  Tensors tensors = some_tensors();
  write_safetensors(temp.path() / "a", tensors.list);
  std::reverse(tensors.list.begin(), tensors.list.end());
  write_safetensors(temp.path() / "b", tensors.list);
  const std::string bytes = read_whole_file(temp.path() / "a");
  EXPECT_EQ(bytes, read_whole_file(temp.path() / "b"));
  const SafetensorsFile file(temp.path() / "a");
  for (const auto& [name, view] : file.tensors()) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(view.bytes.data()) % dtype_bytes(view.dtype), 0U) << name;
  }
  EXPECT_EQ(bytes.substr(8, 31), "{\"__metadata__\": {\"format\": \"pt");
}

// Written by the safetensors package: tests/reference/make_safetensors.py.
TEST(Safetensors, ReadsAFileOfTheReferenceImplementation) {
  const SafetensorsFile file(fs::path(SFT_TEST_SOURCE_DIR) / "tests/reference/small.safetensors");
  EXPECT_THAT(file.metadata(), ElementsAre(std::pair("format", "pt"), std::pair("note", "\u00e9")));
  EXPECT_THAT(file.tensors(), ElementsAre(Key("bf16"), Key("bool"), Key("f16"), Key("f32"),
                                          Key("f64"), Key("i64"), Key("scalar"), Key("u8")));
  const TensorView& f32 = file.tensors().at("f32");
  EXPECT_THAT(f32.shape, ElementsAre(2, 3));
  std::array<float, 6> values{};
  ASSERT_EQ(f32.bytes.size(), sizeof(values));
  std::memcpy(values.data(), f32.bytes.data(), sizeof(values));
  EXPECT_THAT(values, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(file.tensors().at("bf16").dtype, DType::kBF16);
  EXPECT_TRUE(file.tensors().at("scalar").shape.empty());
}

TEST(Safetensors, RefusesHeadersThatLie) {
  const std::string huge = "9223372036854775807";
  struct Case {
    std::string header;
    const char* message;
  };
  const Case cases[] = {
      {"[]", ": header: no JSON object"},
      {"{\"a\": 1}", ": tensor 'a': no object but 1"},
      {"{\"a\": {", ": header: broken JSON at column 7"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a": {}})",
       ": header: duplicate key 'a'"},
      {R"({"a": {"shape": [1], "data_offsets": [0, 4]}})", ": tensor 'a': 'dtype' is missing"},
      {R"({"a": {"dtype": "F8_E4M3", "shape": [4], "data_offsets": [0, 4]}})",
       ": tensor 'a': dtype 'F8_E4M3' is not supported (known: F32, F16, "},
      {R"({"a": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}})",
       ": tensor 'a': 'shape' is no list"},
      {R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})",
       ": tensor 'a': 'shape' has -1, must be a whole number"},
      {R"({"a": {"dtype": "F32", "shape": [1.0], "data_offsets": [0, 4]}})",
       ": tensor 'a': 'shape' has 1.0, must"},
      {R"({"a": {"dtype": "F32", "shape": [[]], "data_offsets": [0, 4]}})",
       ": tensor 'a': 'shape' has a list or an object, must"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}})",
       ": tensor 'a': 'data_offsets' is no list of two numbers"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})",
       ": tensor 'a': shape [2] of F32 needs 8 bytes, 'data_offsets' [0, 4] hold 4"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})",
       ": tensor 'a': shape [1] of F32 needs 4 bytes, 'data_offsets' [4, 0] hold none"},
      {R"({"a": {"dtype": "F32", "shape": [)" + huge + ", " + huge +
           R"(], "data_offsets": [0, 4]}})",
       ": tensor 'a': shape [9223372036854775807, 9223372036854775807] of F32 needs more than "
       "2^64"},
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})",
       ": tensor 'a': its data end at byte 8, the file's end at 4; the file is cut short"},
      {R"({"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]}})",
       ": its tensors end at byte 3 of the data, the file's end at 4"},
      {R"({"a": {"dtype": "U8", "shape": [3], "data_offsets": [1, 4]}})",
       ": tensor 'a' starts at byte 1 of the data, the one before ends at 0"},
      {R"({"a": {"dtype": "U8", "shape": [3], "data_offsets": [0, 3]},
           "b": {"dtype": "U8", "shape": [2], "data_offsets": [2, 4]}})",
       ": tensor 'b' starts at byte 2 of the data, the one before ends at 3"},
      {R"({"__metadata__": {"a": 1}})", ": '__metadata__' has 'a' that is no text"},
      {R"({"__metadata__": []})", ": '__metadata__' is no object"},
  };
  const TempFolder temp;
  for (const Case& c : cases) {
    EXPECT_THAT(open_message(temp, file_text(c.header, "abcd")), testing::StartsWith(c.message))
        << c.header;
  }
}

TEST(Safetensors, RefusesABrokenLength) {
  const TempFolder temp;
  EXPECT_THAT(open_message(temp, ""), HasSubstr(": 0 bytes long, too short"));
  EXPECT_THAT(open_message(temp, std::string(8, '\xFF') + "{}"),
              HasSubstr("says its header takes 18446744073709551615 bytes, the file has 10"));
  EXPECT_THAT(open_message(temp, std::string("\x03\0\0\0\0\0\0\0{}", 10)),
              HasSubstr("says its header takes 3 bytes, the file has 10"));
}

// Every prefix of a good file, and the file with each bit turned, opens or is refused with its
// name.
TEST(Safetensors, AnyDamageIsRefusedOrHarmless) {
  const TempFolder temp;
  const fs::path path = temp.path() / "x.safetensors";
  write_safetensors(path, some_tensors().list);
  const std::string good = read_whole_file(path);
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    const size_t place = bit / 8;
    file.seekp(static_cast<std::streamoff>(place));
    file.put(static_cast<char>(good[place] ^ (1 << (bit % 8)))).flush();
    try {
      weights_sha256(SafetensorsFile(path).tensors());  // touches every byte of the views
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith(path.string()));
    }
    file.seekp(static_cast<std::streamoff>(place));
    file.put(good[place]).flush();
  }
  for (size_t size = good.size() - 1; size > 0; --size) {
    fs::resize_file(path, size);
    EXPECT_NE(message_of([&] { const SafetensorsFile cut(path); }), "") << size;
  }
}

TEST(SafetensorsFolder, ReadsShardsAsItWritesThem) {
  const TempFolder temp;
  const Tensors tensors = some_tensors();
  write_safetensors_folder(temp.path(), tensors.list, 24);
  const Json index = read_json(temp.path() / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], 34);
  EXPECT_EQ(index["weight_map"]["a.float"], "model-00001-of-00002.safetensors");
  EXPECT_EQ(index["weight_map"]["scalar"], "model-00002-of-00002.safetensors");
  const SafetensorsFolder folder(temp.path());
  EXPECT_EQ(folder.tensors().size(), 4U);
  EXPECT_EQ(folder.file_of("scalar").filename(), "model-00002-of-00002.safetensors");

  const TempFolder single;
  write_safetensors_folder(single.path(), tensors.list);
  EXPECT_TRUE(fs::exists(single.path() / "model.safetensors"));
  EXPECT_EQ(weights_sha256(SafetensorsFolder(single.path()).tensors()),
            weights_sha256(folder.tensors()));
}

TEST(SafetensorsFolder, SaysWhatIsMissing) {
  const TempFolder temp;
  const auto message = [&] { return message_of([&] { SafetensorsFolder folder(temp.path()); }); };
  EXPECT_THAT(message_of([&] { SafetensorsFolder folder(temp.path() / "no"); }),
              HasSubstr("no: no such folder"));
  EXPECT_THAT(message(), HasSubstr("has neither model.safetensors nor model.safetensors.index"));
  temp.write("pytorch_model.bin", "");
  EXPECT_THAT(message(), HasSubstr("has pytorch_model.bin but no model.safetensors; save"));
  write_safetensors_folder(temp.path(), some_tensors().list, 24);
  fs::remove(temp.path() / "model-00002-of-00002.safetensors");
  EXPECT_THAT(message(), HasSubstr("model-00002-of-00002.safetensors: is missing, "
                                   "model.safetensors.index.json names it"));
}

TEST(SafetensorsFolder, HoldsTheIndexAgainstTheShards) {
  const TempFolder temp;
  write_safetensors_folder(temp.path(), some_tensors().list, 24);
  const fs::path index_path = temp.path() / "model.safetensors.index.json";
  const Json index = read_json(index_path);
  const auto message = [&](const Json& weight_map) {
    temp.write("model.safetensors.index.json", Json{{"weight_map", weight_map}}.dump());
    return message_of([&] { SafetensorsFolder folder(temp.path()); });
  };
  const std::string first = "model-00001-of-00002.safetensors";
  Json map = index["weight_map"];
  EXPECT_EQ(message(map), "");
  map["scalar"] = first;
  EXPECT_THAT(message(map), HasSubstr("places tensor 'scalar' in " + first + ", it is in"));
  map = index["weight_map"];
  map["extra"] = first;
  EXPECT_THAT(message(map), HasSubstr(first + ": has no tensor 'extra'"));
  map = index["weight_map"];
  map.erase("b.half");
  EXPECT_THAT(message(map), HasSubstr("tensor 'b.half' is not in model.safetensors.index.json"));
  for (const char* const name : {"../x", "/etc/passwd", "a/b", "", ".."}) {
    map["scalar"] = name;
    EXPECT_THAT(message(map), HasSubstr("the file of tensor 'scalar' is"));
  }
  map["scalar"] = 3;
  EXPECT_THAT(message(map), HasSubstr("the file of tensor 'scalar' is 3"));
  EXPECT_THAT(message(Json::array()), HasSubstr("'weight_map' is no object"));
  temp.write("again", "");
  fs::copy_file(temp.path() / first, temp.path() / "zz.safetensors");
  map = index["weight_map"];
  map["scalar"] = "zz.safetensors";
  EXPECT_THAT(message(map), HasSubstr("zz.safetensors: tensor 'a.float' is also in " + first));
}

// A link is followed where it stays inside the folder, and where the hub cache keeps its files.
TEST(SafetensorsFolder, FollowsNoShardOutOfTheFolder) {
  const TempFolder temp;
  const fs::path folder = temp.path() / "models--a--b" / "snapshots" / "main";
  write_safetensors_folder(folder, some_tensors().list, 24);
  const fs::path shard = folder / "model-00002-of-00002.safetensors";
  const auto message = [&](const fs::path& place) {
    fs::create_directories(place.parent_path());
    fs::rename(shard, place);
    fs::create_symlink(fs::relative(place, folder), shard);
    std::string text = message_of([&] { SafetensorsFolder opened(folder); });
    fs::rename(place, shard);
    return text;
  };
  EXPECT_EQ(message(folder / "inside"), "");
  EXPECT_EQ(message(temp.path() / "models--a--b" / "blobs" / "0123"), "");
  EXPECT_THAT(message(temp.path() / "models--a--b" / "0123"), HasSubstr("is a link to "));
  EXPECT_THAT(message(temp.path() / "blobs" / "0123"), HasSubstr("outside the model's folder"));
  fs::remove(shard);
  fs::create_symlink(shard.filename(), shard);
  EXPECT_THAT(message_of([&] { SafetensorsFolder opened(folder); }),
              HasSubstr("cannot be opened: Too many levels of symbolic links"));
}

TEST(WeightsSha256, IsOverNameTypeShapeAndBytes) {
  const std::string data = "abcdefgh";
  const auto bytes = std::as_bytes(std::span(data.data(), data.size()));
  const std::map<std::string, TensorView> tensors = {{"b", {DType::kF32, {1}, bytes.subspan(4)}},
                                                     {"a", {DType::kF16, {2, 1}, bytes.first(4)}}};
  EXPECT_EQ(weights_sha256(tensors), sha256_hex("a\nF16\n2,1\nabcdb\nF32\n1\nefgh"));
}

}  // namespace
}  // namespace sft
