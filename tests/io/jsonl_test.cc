#include "sft/io/jsonl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> rows_of(const std::filesystem::path& path) {
  JsonlReader reader(path);
  std::vector<std::string> rows;
  while (const auto row = reader.next()) {
    rows.push_back(row->where.substr(row->where.rfind(':')) + " " +
                   dump_json(row->value, JsonLayout::kCompact));
  }
  return rows;
}

TEST(JsonlReader, ReadsLinesWithTheirNumbers) {
  const TempFolder temp;
  EXPECT_THAT(rows_of(temp.write("f", "{\"a\": 1}\n[2]\n")),
              ElementsAre(":1 {\"a\": 1}", ":2 [2]"));
  EXPECT_THAT(rows_of(temp.write("f", "")), ElementsAre());
}

TEST(JsonlReader, TakesByteOrderMarkCarriageReturnsBlankLinesAndNoLastNewline) {
  const TempFolder temp;
  EXPECT_THAT(rows_of(temp.write("f", "\xEF\xBB\xBF{}\r\n\r\n \t\n3\r\n4")),
              ElementsAre(":1 {}", ":4 3", ":5 4"));
}

TEST(JsonlReader, NamesTheBrokenLine) {
  const TempFolder temp;
  const auto path = temp.write("f.jsonl", "{}\n{\"a\": 1\n{}\n");
  JsonlReader reader(path);
  EXPECT_TRUE(reader.next().has_value());
  EXPECT_EQ(message_of([&] { reader.next(); }),
            path.string() + ":2: broken JSON at column 7: unexpected end of input; expected '}'");
}

TEST(JsonlReader, RefusesALineWithoutEnd) {
  const TempFolder temp;
  std::string line;
  line.resize(64'000'001, 'x');
  const auto path = temp.write("f", "1\n" + line);
  EXPECT_THAT(message_of([&] { rows_of(path); }), HasSubstr("f:2: longer than 64 MB"));
}

TEST(JsonlReader, SaysWhatIsThereInstead) {
  const TempFolder temp;
  EXPECT_THAT(message_of([&] { rows_of(temp.path()); }), HasSubstr("is a folder"));
  EXPECT_THAT(message_of([&] { rows_of(temp.path() / "no"); }), HasSubstr("No such file"));
}

TEST(JsonlWriter, WritesWhatTheReaderReads) {
  const TempFolder temp;
  const auto path = temp.path() / "f.jsonl";
  JsonlWriter writer(path);
  writer.write({{"text", "two\nlines \xE2\x80\xA8"}, {"x", 0.1}});
  writer.write(nullptr);
  EXPECT_FALSE(std::filesystem::exists(path));
  writer.commit();
  EXPECT_EQ(read_whole_file(path), "{\"text\": \"two\\nlines \xE2\x80\xA8\", \"x\": 0.1}\nnull\n");
  EXPECT_EQ(rows_of(path).size(), 2U);
}

}  // namespace
}  // namespace sft
