#include "sft/data/row_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Each row's place behind the folder, and its JSON.
std::vector<std::string> rows_of(const std::string& name, const std::string& bytes) {
  const TempFolder folder;
  const auto path = folder.write(name, bytes);
  const auto reader = open_rows(path, format_of(path));
  std::vector<std::string> rows;
  while (const auto row = reader->next()) {
    rows.push_back(row->where.substr(folder.path().string().size() + 1) + " " + row->value.dump());
  }
  return rows;
}

std::string error_of(const std::string& name, const std::string& bytes) {
  try {
    rows_of(name, bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "was taken";
}

TEST(OpenRows, JsonLinesKnowTheirLines) {
  EXPECT_THAT(rows_of("a.jsonl", "{\"a\": 1}\n\n{\"a\": 2}\r\n"),
              ElementsAre("a.jsonl:1 {\"a\":1}", "a.jsonl:3 {\"a\":2}"));
}

TEST(OpenRows, JsonArraysKnowTheirRows) {
  EXPECT_THAT(rows_of("a.json", "[{\"a\": 1},\n {\"a\": 2}]"),
              ElementsAre("a.json: row 1 {\"a\":1}", "a.json: row 2 {\"a\":2}"));
}

TEST(OpenRows, JsonIsReadAValueAtATime) {
  EXPECT_THAT(rows_of("a.json", " [ ] "), ElementsAre());
  EXPECT_THAT(rows_of("a.json", ""), ElementsAre());
  EXPECT_THAT(rows_of("a.json", "\xEF\xBB\xBF[{\"a\": \"]}\\\"{[\\\\\"} , [1], \"x,]\", 7,null]"),
              ElementsAre("a.json: row 1 {\"a\":\"]}\\\"{[\\\\\"}", "a.json: row 2 [1]",
                          "a.json: row 3 \"x,]\"", "a.json: row 4 7", "a.json: row 5 null"));
}

TEST(OpenRows, JsonLinesMayBeCalledJson) {
  EXPECT_THAT(rows_of("a.json", "{\"a\": 1}\n{\"a\": 2}\n"),
              ElementsAre("a.json: row 1 {\"a\":1}", "a.json: row 2 {\"a\":2}"));
}

TEST(OpenRows, ReadsParquet) {
  const std::filesystem::path path = SFT_TEST_SOURCE_DIR "/tests/reference/small.parquet";
  EXPECT_EQ(format_of(path), RowFormat::kParquet);
  EXPECT_EQ(open_rows(path, format_of(path))->next()->value["text"], "row 0 \xC3\xA9");
}

TEST(FindFormat, LooksThroughPacking) {
  EXPECT_EQ(find_format("d/a.jsonl.gz"), RowFormat::kJsonl);
  EXPECT_EQ(find_format("a.json.zst"), RowFormat::kJson);
  EXPECT_EQ(find_format("a.csv.gz"), RowFormat::kCsv);
  EXPECT_EQ(find_format("a.gz"), std::nullopt);
}

TEST(OpenRows, CsvFollowsTheRfc) {
  EXPECT_THAT(rows_of("a.csv",
                      "\xEF\xBB\xBFq,a\r\n"
                      "plain,\"with, comma\"\r\n"
                      "\"two\nlines\",\"a \"\"quote\"\"\"\r\n"
                      "\r\n"
                      ",\"\"\n"
                      " kept , spaces "),
              ElementsAre("a.csv:2 {\"q\":\"plain\",\"a\":\"with, comma\"}",
                          "a.csv:3 {\"q\":\"two\\nlines\",\"a\":\"a \\\"quote\\\"\"}",
                          "a.csv:6 {\"q\":\"\",\"a\":\"\"}",
                          "a.csv:7 {\"q\":\" kept \",\"a\":\" spaces \"}"));
}

TEST(OpenRows, ACsvHeaderAloneHasNoRows) {
  EXPECT_THAT(rows_of("a.csv", "q,a\n"), ElementsAre());
  EXPECT_THAT(rows_of("a.csv", ""), ElementsAre());
}

struct Broken {
  const char* name;
  const char* file;
  std::string bytes;
  const char* message;
};

class BrokenFile : public testing::TestWithParam<Broken> {};

TEST_P(BrokenFile, IsAnErrorWithItsPlace) {
  EXPECT_THAT(error_of(GetParam().file, GetParam().bytes), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Files, BrokenFile,
    testing::Values(
        Broken{"jsonl_line", "a.jsonl", "{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n", "a.jsonl:2"},
        Broken{"json_cut", "a.json", "[{\"a\": 1}, {\"a\"", "a.json: row 2: the file ends inside"},
        Broken{"json_cut_behind", "a.json", "[{\"a\": 1},", "a.json: row 2: the file ends here"},
        Broken{"json_open", "a.json", "[{\"a\": 1}\n", "a.json: row 2: the file ends here"},
        Broken{"json_no_comma", "a.json", "[{\"a\": 1} {\"a\": 2}]", "row 2: a ',' or ']' must"},
        Broken{"json_comma", "a.json", "[{\"a\": 1},\n]", "a.json: row 2: is missing"},
        Broken{"json_row", "a.json", "[{\"a\": 1}, {\"a\": }]", "a.json: row 2: broken JSON"},
        Broken{"json_utf8", "a.json", "[{\"a\": \"\xC3(\"}]", "a.json: row 1: broken JSON"},
        Broken{"json_behind", "a.json", "[{\"a\": 1}] x", "a.json: text behind the array's ']'"},
        Broken{"json_text", "a.json", "\"a\"", "a.json: begins with neither '[' nor '{'"},
        Broken{"csv_open_quote", "a.csv", "a,b\n1,2\n3,\"4\n5,6\n", "a.csv:3: a quoted field does"},
        Broken{"csv_quote_inside", "a.csv", "a,b\n1,2\"\n", "a.csv:2: a quote inside a field"},
        Broken{"csv_text_behind", "a.csv", "a,b\n1,\"2\"x\n", "a.csv:2: text behind a quoted"},
        Broken{"csv_fields", "a.csv", "a,b\n1,2\n1,2,3\n",
               "a.csv:3: has 3 fields, the header names 2"},
        Broken{"csv_repeated", "a.csv", "a,b,a\n", "a.csv:1: the header names column 'a' twice"},
        Broken{"csv_unnamed", "a.csv", "a,,b\n", "a.csv:1: the header has a column without a name"},
        Broken{"csv_utf8", "a.csv", "a,b\n1,2\n\xC3(,2\n", "a.csv:3: is no valid UTF-8"},
        Broken{"gzip", "a.jsonl.gz", "", "a.jsonl.gz: ends in the middle of its gzip data"},
        Broken{"parquet", "a.parquet", "", "a.parquet: cannot be read as Parquet"},
        Broken{"unknown", "a.txt", "", "the name does not tell the format"}),
    [](const auto& info) { return info.param.name; });

TEST(OpenRows, NeedsAFile) {
  const TempFolder folder;
  for (const RowFormat format : {RowFormat::kJsonl, RowFormat::kJson, RowFormat::kCsv}) {
    EXPECT_THROW(open_rows(folder.path() / "absent", format), Error);
    EXPECT_THROW(open_rows(folder.path(), format), Error);
  }
}

}  // namespace
}  // namespace sft
