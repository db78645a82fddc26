#include "sft/io/input_file.h"

#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/io/jsonl.h"

namespace sft {
namespace {

using testing::HasSubstr;

std::string gzip(const std::string& text) {
  std::string packed(compressBound(text.size()) + 64, '\0');
  z_stream stream = {};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

// Larger than every buffer, and not too easily packed.
std::string long_text() {
  std::string text;
  uint32_t state = 1;
  while (text.size() < 1'500'000) {
    state = state * 1664525 + 1013904223;
    text += std::to_string(state) + "\n";
  }
  return text;
}

std::string read_all(const std::filesystem::path& path) {
  InputFile file(path);
  std::string text;
  for (std::string_view rest = file.rest(); !rest.empty(); rest = file.rest()) {
    text += rest;
    file.skip(rest.size());
  }
  return text;
}

TEST(InputFile, UnpacksByName) {
  const TempFolder folder;
  const std::string text = long_text();
  EXPECT_EQ(read_all(folder.write("a.txt", text)), text);
  EXPECT_EQ(read_all(folder.write("a.txt.gz", gzip(text))), text);
  EXPECT_EQ(read_all(folder.write("a.txt.zst", zstd(text))), text);
}

TEST(InputFile, TakesSeveralMembers) {
  const TempFolder folder;
  const std::string text = long_text();
  EXPECT_EQ(read_all(folder.write("a.gz", gzip("one") + gzip("") + gzip(text))), "one" + text);
  EXPECT_EQ(read_all(folder.write("a.zst", zstd("one") + zstd("") + zstd(text))), "one" + text);
}

TEST(InputFile, GivesBytes) {
  const TempFolder folder;
  InputFile file(folder.write("a", std::string("\xFF\n", 2)));
  EXPECT_EQ(file.peek(), 0xFF);
  EXPECT_EQ(file.get(), 0xFF);
  EXPECT_EQ(file.get(), '\n');
  EXPECT_EQ(file.peek(), InputFile::kEnd);
  EXPECT_EQ(file.get(), InputFile::kEnd);
}

TEST(InputFile, RefusesWhatIsCut) {
  const TempFolder folder;
  const std::string text = long_text();
  for (const auto& [name, packed] :
       {std::pair{"a.gz", gzip(text)}, std::pair{"a.zst", zstd(text)}}) {
    for (const size_t size : {size_t{3}, packed.size() / 2, packed.size() - 1}) {
      const auto path = folder.write(name, packed.substr(0, size));
      EXPECT_THAT(message_of([&] { read_all(path); }), HasSubstr("was the download cut?")) << size;
    }
  }
}

TEST(InputFile, RefusesWhatIsBroken) {
  const TempFolder folder;
  EXPECT_THAT(message_of([&] { read_all(folder.write("a.gz", "{\"a\": 1}\n")); }),
              HasSubstr("a.gz: broken gzip data"));
  EXPECT_THAT(message_of([&] { read_all(folder.write("a.zst", "{\"a\": 1}\n")); }),
              HasSubstr("a.zst: broken zstd data"));
  EXPECT_THAT(message_of([&] { read_all(folder.write("b.gz", "")); }), HasSubstr("b.gz: ends"));
}

TEST(InputFile, RefusesFoldersAndAbsentFiles) {
  const TempFolder folder;
  EXPECT_THROW(InputFile{folder.path()}, Error);
  EXPECT_THROW(InputFile{folder.path() / "absent"}, Error);
}

TEST(JsonlReader, ReadsPackedLines) {
  const TempFolder folder;
  JsonlReader reader(folder.write("a.jsonl.gz", gzip("\xEF\xBB\xBF{\"a\": 1}\n\n{\"a\": 2}")));
  EXPECT_EQ(reader.next()->value["a"], 1);
  const auto last = reader.next();
  EXPECT_EQ(last->value["a"], 2);
  EXPECT_THAT(last->where, HasSubstr("a.jsonl.gz:3"));
  EXPECT_FALSE(reader.next());
}

TEST(WithoutPacking, TakesOneEndOff) {
  EXPECT_EQ(without_packing("d/a.jsonl.gz"), "d/a.jsonl");
  EXPECT_EQ(without_packing("a.json.zst"), "a.json");
  EXPECT_EQ(without_packing("d.gz/a.csv"), "d.gz/a.csv");
}

}  // namespace
}  // namespace sft
