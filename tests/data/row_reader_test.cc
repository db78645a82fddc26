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
        Broken{"json_object", "a.json", "{\"a\": 1}", "holds an object, must be an array"},
        Broken{"json_cut", "a.json", "[{\"a\": 1}, {\"a\"", "a.json"},
        Broken{"csv_open_quote", "a.csv", "a,b\n1,2\n3,\"4\n5,6\n", "a.csv:3: a quoted field does"},
        Broken{"csv_quote_inside", "a.csv", "a,b\n1,2\"\n", "a.csv:2: a quote inside a field"},
        Broken{"csv_text_behind", "a.csv", "a,b\n1,\"2\"x\n", "a.csv:2: text behind a quoted"},
        Broken{"csv_fields", "a.csv", "a,b\n1,2\n1,2,3\n",
               "a.csv:3: has 3 fields, the header names 2"},
        Broken{"csv_repeated", "a.csv", "a,b,a\n", "a.csv:1: the header names column 'a' twice"},
        Broken{"csv_unnamed", "a.csv", "a,,b\n", "a.csv:1: the header has a column without a name"},
        Broken{"csv_utf8", "a.csv", "a,b\n1,2\n\xC3(,2\n", "a.csv:3: is no valid UTF-8"},
        Broken{"gzip", "a.jsonl.gz", "", ".gz files are not supported by this build"},
        Broken{"parquet", "a.parquet", "", ".parquet files are not supported by this build"},
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
