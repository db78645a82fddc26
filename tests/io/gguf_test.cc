#include "sft/io/gguf.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gguf_builder.h"
#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const fs::path kReference = fs::path(SFT_TEST_SOURCE_DIR) / "tests/reference";

std::string open_message(const TempFolder& temp, const std::string& bytes) {
  const fs::path path = temp.write("x.gguf", bytes);
  const std::string message = message_of([&] { const GgufFile file(path); });
  return message.starts_with(path.string()) ? message.substr(path.string().size()) : message;
}

// Written by the gguf package: tests/reference/make_gguf.py.
TEST(GgufFile, ReadsMetadataOfTheReferenceImplementation) {
  const GgufFile file(kReference / "small.gguf");
  const std::pair<const char*, int64_t> integers[] = {
      {"uint8", 255},         {"int8", -128},       {"uint16", 65535},     {"int16", -32768},
      {"uint32", UINT32_MAX}, {"int32", INT32_MIN}, {"uint64", INT64_MAX}, {"int64", INT64_MIN},
  };
  for (const auto& [key, value] : integers) {
    EXPECT_EQ(file.get<int64_t>(std::string("test.") + key), value);
  }
  EXPECT_EQ(file.get<double>("test.float32"), 1e-5F);
  EXPECT_EQ(file.get<double>("test.float64"), 0.1);
  EXPECT_EQ(file.get<bool>("test.bool"), true);
  EXPECT_EQ(file.get<std::string>("test.string"), "caf\u00e9");
  EXPECT_THAT(file.get<std::vector<std::string>>("test.strings"), ElementsAre("a", "", "\u4e2d"));
  EXPECT_THAT(file.get<std::vector<int64_t>>("test.integers"), ElementsAre(1, -2, 3));
  EXPECT_THAT(file.get<std::vector<double>>("test.numbers"), ElementsAre(0.5, -1.5));
  EXPECT_THAT(file.get<std::vector<bool>>("test.bools"), ElementsAre(true, false));
}

TEST(GgufFile, ReadsTensorsOfTheReferenceImplementation) {
  const GgufFile file(kReference / "small.gguf");
  EXPECT_EQ(file.tensors().size(), 8U);
  const GgufTensor& tensor = file.tensors().at("q4_1");
  EXPECT_EQ(gguf_type_name(tensor.type), "Q4_1");
  EXPECT_THAT(tensor.shape, ElementsAre(2, 96));
  EXPECT_EQ(tensor.bytes.size(), 2U * 96 / 32 * 20);
}

// A file with holes takes no space on disk, but a list of its bytes would take eight times its size
// in memory.
TEST(GgufFile, BoundsWhatItReadsIntoMemory) {
  const TempFolder temp;
  const uint64_t count = uint64_t{1} << 35;
  const std::string array = GgufBuilder::number<uint32_t>(0) + GgufBuilder::number<uint64_t>(count);
  const fs::path path = temp.write("x.gguf", GgufBuilder().raw("k", 9, array).bytes());
  fs::resize_file(path, 2 * count);
  EXPECT_THAT(message_of([&] { const GgufFile file(path); }),
              HasSubstr("metadata 'k': takes 34359738368 bytes at byte"));
}

TEST(GgufFile, SaysWhatAValueIsInstead) {
  const GgufFile file(kReference / "small.gguf");
  EXPECT_EQ(file.find("no"), nullptr);
  EXPECT_EQ(file.find_as<int64_t>("no"), nullptr);
  EXPECT_THAT(message_of([&] { file.get<int64_t>("no"); }),
              HasSubstr("small.gguf: metadata 'no' is missing"));
  EXPECT_THAT(message_of([&] { file.find_as<int64_t>("test.strings"); }),
              HasSubstr("metadata 'test.strings' is a list of texts, must be a whole number"));
}

TEST(GgufFile, ReadsVersionTwo) {
  const TempFolder temp;
  EXPECT_EQ(open_message(temp, GgufBuilder().integer("a", 1).bytes(2)), "");
}

TEST(GgufFile, RefusesWhatIsNoSuchFile) {
  const TempFolder temp;
  EXPECT_THAT(open_message(temp, ""), HasSubstr(": is no GGUF file"));
  EXPECT_THAT(open_message(temp, "GGML" + std::string(100, 'x')), HasSubstr(": is no GGUF file"));
  EXPECT_EQ(open_message(temp, GgufBuilder().bytes(1)),
            ": is GGUF version 1, versions 2 and 3 are read");
  EXPECT_THAT(open_message(temp, GgufBuilder().bytes(0x03000000)), HasSubstr("big-endian"));
}

TEST(GgufFile, RefusesMetadataThatLies) {
  const auto number64 = [](uint64_t value) { return GgufBuilder::number(value); };
  const auto type = [](uint32_t value) { return GgufBuilder::number(value); };
  struct Case {
    GgufBuilder file;
    const char* message;
  };
  const Case cases[] = {
      {GgufBuilder().raw("k", 99, ""), ": metadata 'k': unknown value type 99"},
      {GgufBuilder().raw("k", 7, "\x02"), ": metadata 'k': a truth value is 2, must be 0 or 1"},
      {GgufBuilder().raw("k", 10, number64(UINT64_MAX)),
       ": metadata 'k': the value 18446744073709551615 is larger than"},
      {GgufBuilder().raw("k", 8, number64(UINT64_MAX)),
       ": metadata 'k': needs 18446744073709551615 bytes at byte"},
      {GgufBuilder().raw("k", 9, type(8) + number64(1ULL << 60)),
       ": metadata 'k': says that 1152921504606846976 items follow, in"},
      {GgufBuilder().raw("k", 9, type(9) + type(4) + number64(0)),
       ": metadata 'k': arrays of arrays are not supported"},
      {GgufBuilder().integer("k", 1).integer("k", 2), ": metadata 'k': is there twice"},
      {GgufBuilder().integer("general.alignment", 48),
       ": metadata 'general.alignment' is 48, must be a power of two"},
      {GgufBuilder().integer("general.alignment", 0), ": metadata 'general.alignment' is 0, must"},
      {GgufBuilder().string("general.alignment", "x"),
       ": metadata 'general.alignment' is no whole number"},
  };
  const TempFolder temp;
  for (const Case& c : cases) {
    EXPECT_THAT(open_message(temp, c.file.bytes()), testing::StartsWith(c.message));
  }
}

TEST(GgufFile, RefusesTensorsThatLie) {
  const uint64_t huge = 1ULL << 40;
  const std::string data(64, 'x');
  struct Case {
    GgufBuilder file;
    const char* message;
  };
  const Case cases[] = {
      {GgufBuilder().tensor("t", {}, 0, data), ": tensor 't': has 0 dimensions, must have 1 to 4"},
      {GgufBuilder().tensor("t", {1, 1, 1, 1, 1}, 0, data), ": tensor 't': has 5 dimensions"},
      {GgufBuilder().tensor("t", {4, 0}, 0, data), ": tensor 't': has a dimension of size 0"},
      {GgufBuilder().tensor("t", {UINT64_MAX}, 0, data), ": tensor 't': the value 184467440737"},
      {GgufBuilder().tensor("t", {256}, 12, data),
       ": tensor 't': is of type Q4_K, which is not supported (known: F32, F16, BF16, Q4_0, "},
      {GgufBuilder().tensor("t", {256}, 77, data), ": tensor 't': is of type 77, which is not"},
      {GgufBuilder().tensor("t", {33}, 2, data),
       ": tensor 't': rows of 33 elements, Q4_0 has blocks of 32"},
      {GgufBuilder().tensor("t", {huge, huge}, 0, data), ": tensor 't': is larger than 2^64"},
      {GgufBuilder().tensor("t", {huge, 1 << 22}, 0, data), ": tensor 't': is larger than 2^64"},
      {GgufBuilder().tensor("t", {17}, 0, data),
       ": tensor 't': has 68 bytes at byte 0 of the data, the file has 64; it is cut short"},
      {GgufBuilder().tensor_at("t", {1}, 0, UINT64_MAX - 31, data),
       ": tensor 't': has 4 bytes at byte 18446744073709551584 of the data, the file has 64"},
      {GgufBuilder().tensor_at("t", {1}, 0, 4, data),
       ": tensor 't': starts at byte 4 of the data, which is no multiple of 32"},
      {GgufBuilder().tensor("t", {16}, 0, data).tensor_at("u", {1}, 0, 32, data),
       ": tensor 'u': starts at byte 32 of the data, the one before ends at 64"},
      {GgufBuilder().tensor("t", {16}, 0, data).tensor("t", {16}, 0, data),
       ": tensor 't': is there twice"},
  };
  const TempFolder temp;
  for (const Case& c : cases) {
    EXPECT_THAT(open_message(temp, c.file.bytes()), testing::StartsWith(c.message));
  }
}

TEST(GgufFile, RefusesCountsBeyondTheFile) {
  const TempFolder temp;
  std::string bytes = GgufBuilder().bytes();
  bytes.replace(8, 8, GgufBuilder::number(UINT64_MAX));
  EXPECT_THAT(open_message(temp, bytes), HasSubstr("18446744073709551615 tensors follow"));
  bytes = GgufBuilder().bytes();
  bytes.replace(16, 8, GgufBuilder::number(UINT64_MAX));
  EXPECT_THAT(open_message(temp, bytes), HasSubstr("18446744073709551615 metadata values follow"));
}

// Every prefix of a good file, and the file with each bit of its head turned, opens or is refused
// with its name.
TEST(GgufFile, AnyDamageIsRefusedOrHarmless) {
  const TempFolder temp;
  const std::string good = read_whole_file(kReference / "small.gguf");
  const size_t head = good.find("f32") + 900;
  ASSERT_LT(head, good.size());
  const fs::path path = temp.write("x.gguf", good);
  const auto try_to_open = [&] {
    try {
      const GgufFile file(path);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith(path.string()));
    }
  };
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  for (size_t bit = 0; bit < head * 8; ++bit) {
    const size_t place = bit / 8;
    file.seekp(static_cast<std::streamoff>(place));
    file.put(static_cast<char>(good[place] ^ (1 << (bit % 8)))).flush();
    try_to_open();
    file.seekp(static_cast<std::streamoff>(place));
    file.put(good[place]).flush();
  }
  EXPECT_EQ(message_of([&] { const GgufFile whole(path); }), "");
  for (size_t size = good.size() - 1; size > 0; --size) {
    fs::resize_file(path, size);
    if (size < head) {
      EXPECT_NE(message_of([&] { const GgufFile cut(path); }), "") << size;
    } else {
      try_to_open();
    }
  }
}

}  // namespace
}  // namespace sft
