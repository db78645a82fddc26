// Files of pyarrow's making: tests/reference/make_parquet.py.
#include "sft/io/parquet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/io/file.h"

namespace sft {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const std::string kFolder = SFT_TEST_SOURCE_DIR "/tests/reference/";

TEST(ParquetReader, ReadsEveryKindOfColumn) {
  ParquetReader reader(kFolder + "small.parquet");
  const auto row = reader.next();
  EXPECT_THAT(row->where, EndsWith("small.parquet: row 1"));
  EXPECT_EQ(row->value.dump(),
            "{\"text\":\"row 0 \xC3\xA9\",\"large\":\"L0\",\"kind\":\"even\",\"number\":0,"
            "\"half\":0.0,\"is_even\":true,\"words\":[],\"messages\":[{\"content\":\"q0\","
            "\"role\":\"user\"},{\"content\":\"a0\",\"role\":\"assistant\"}],"
            "\"day\":\"2020-01-01\"}");
  EXPECT_TRUE(reader.next()->value["text"].is_null());
}

TEST(ParquetReader, KeepsRowsTogetherAcrossGroupsAndBatches) {
  ParquetReader reader(kFolder + "small.parquet");
  for (int i = 0; i < 3000; ++i) {
    const auto row = reader.next();
    ASSERT_TRUE(row) << i;
    ASSERT_EQ(row->value["number"], i);
    ASSERT_EQ(row->value["large"], "L" + std::to_string(i));
    ASSERT_EQ(row->value["kind"], i % 2 == 0 ? "even" : "odd");
    ASSERT_EQ(row->value["words"].size(), static_cast<size_t>(i % 3));
    ASSERT_EQ(row->value["messages"][1]["content"], "a" + std::to_string(i));
    ASSERT_THAT(row->where, EndsWith(": row " + std::to_string(i + 1)));
  }
  EXPECT_FALSE(reader.next());
}

TEST(ParquetReader, NamesTheRowThatIsNoUtf8) {
  ParquetReader reader(kFolder + "bad_utf8.parquet");
  EXPECT_EQ(reader.next()->value["text"], "one");
  EXPECT_EQ(reader.next()->value["text"], "two");
  EXPECT_THAT(message_of([&] { reader.next(); }),
              HasSubstr("bad_utf8.parquet: row 3: 'text': is no valid UTF-8"));
}

TEST(ParquetReader, RefusesWhatIsNoParquet) {
  const TempFolder folder;
  const std::string whole = read_file(kFolder + "small.parquet");
  const auto error = [&](const std::string& bytes) {
    return message_of([&] { ParquetReader reader(folder.write("a.parquet", bytes)); });
  };
  EXPECT_THAT(error(""), HasSubstr("a.parquet: cannot be read as Parquet"));
  EXPECT_THAT(error("{\"a\": 1}\n"), HasSubstr("a.parquet: cannot be read as Parquet"));
  EXPECT_THAT(error(whole.substr(0, whole.size() / 2)), HasSubstr("cannot be read as Parquet"));
  EXPECT_THROW(ParquetReader{folder.path()}, Error);
  EXPECT_THROW(ParquetReader{folder.path() / "absent.parquet"}, Error);
}

TEST(ParquetReader, DamagedPagesAreAnErrorNotACrash) {
  const TempFolder folder;
  const std::string whole = read_file(kFolder + "small.parquet");
  for (size_t at = 8; at + 100 < whole.size(); at += whole.size() / 40) {
    std::string damaged = whole;
    damaged.replace(at, 16, 16, '\xA5');
    const auto path = folder.write("a.parquet", damaged);
    try {
      ParquetReader reader(path);
      while (reader.next()) {
      }
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("a.parquet"));
    }
  }
}

}  // namespace
}  // namespace sft
