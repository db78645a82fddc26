#include "sft/tasks/columns.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<ColumnSpec> columns_of(const std::string& yaml) {
  const ConfigNode root = ConfigNode::parse(yaml, "task.yaml");
  std::vector<ColumnSpec> columns = read_columns(root);
  root.check();
  return columns;
}

std::string first_column(const std::string& yaml, const std::string& row) {
  return make_column(columns_of(yaml).at(0), parse_json(row, "row"), "dev.jsonl:3");
}

TEST(Columns, PutAllFieldsInAtOnce) {
  EXPECT_EQ(first_column("p: '{title} -- {passage}'", R"({"title": "{passage}", "passage": "x"})"),
            "{passage} -- x");
}

TEST(Columns, TakeElementsOfLists) {
  EXPECT_EQ(first_column("B: '{choices[1]}'", R"({"choices": ["a", "b"]})"), "b");
}

TEST(Columns, ReplaceLiterally) {
  EXPECT_EQ(first_column("s: {value: '{s}', replace: {_: ' ', ' a': ''}}", R"({"s": "_b_a_c"})"),
            " b c");
}

TEST(Columns, MapBooleansAndNumbers) {
  const std::string yaml = "label: {value: '{answer}', map: {'true': A, 'false': B, '3': C}}";
  EXPECT_EQ(first_column(yaml, R"({"answer": true})"), "A");
  EXPECT_EQ(first_column(yaml, R"({"answer": "false"})"), "B");
  EXPECT_EQ(first_column(yaml, R"({"answer": 3})"), "C");
}

TEST(Columns, TakeFieldsOfObjects) {
  EXPECT_EQ(first_column("v: '{answer.value}'", R"({"answer": {"value": "x"}})"), "x");
  // A name with a dot in it comes first.
  EXPECT_EQ(first_column("v: '{a.b}'", R"({"a.b": "own", "a": {"b": "inner"}})"), "own");
}

TEST(Columns, JoinLists) {
  EXPECT_EQ(first_column("t: {value: '<{tests}>', join: \"\\n\"}", R"({"tests": ["a", "b"]})"),
            "<a\nb>");
  EXPECT_EQ(first_column("t: {value: '{tests}', join: ', '}", R"({"tests": []})"), "");
}

TEST(Columns, RulesWorkOnFieldsAndOnTheWhole) {
  const std::string yaml =
      "ctx: {value: '{a}: {b} {c}', fields: {c: capitalize}, rules: [clean_hellaswag, "
      "after_colon]}";
  EXPECT_EQ(first_column(yaml, R"({"a": "Act", "b": "One.", "c": "he RAN"})"), "One. He ran");
  EXPECT_EQ(first_column(yaml, R"({"a": "A [x]", "b": "Do: it [title] now", "c": ""})"),
            "Do: it. now");
  EXPECT_EQ(first_column("b: {value: '{s}', rules: [before_gap]}", R"({"s": "so _ left. "})"),
            "so ");
  EXPECT_EQ(first_column("b: {value: '{s}', rules: [after_gap]}", R"({"s": "so _ left. "})"),
            "left.");
}

TEST(Columns, ListsGiveEveryText) {
  const auto list_of = [](const std::string& yaml, const std::string& row) {
    return make_list(columns_of(yaml).at(0), parse_json(row, "row"), "dev.jsonl:3");
  };
  EXPECT_EQ(list_of("r: '{c}'", R"({"c": ["x", "y"]})"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(list_of("r: '{c}'", R"({"c": "x"})"), std::vector<std::string>{"x"});
  EXPECT_EQ(list_of("r: '-{c}'", R"({"c": "x"})"), std::vector<std::string>{"-x"});
  EXPECT_THAT([&] { list_of("r: '{c}'", R"({"c": ["x", 1]})"); },
              ThrowsMessage<Error>(HasSubstr("must be a list of texts, not of a number")));
}

TEST(Columns, ReplacementsDoNotGrowPastAllBounds) {
  std::string yaml = "q: {value: '{a}', replace: {";
  for (char c = 'a'; c < 'z'; ++c) {
    const std::string next(3, static_cast<char>(c + 1));
    yaml += std::string(1, c) + ": " + next + ", ";
  }
  EXPECT_THAT([&] { first_column(yaml + "}}", R"({"a": "aaaa"})"); },
              ThrowsMessage<Error>(HasSubstr("makes a text longer than 64 MB")));
}

TEST(Columns, KeepTheirOrder) {
  const Columns columns = make_columns(columns_of("z: '{a}'\na: '{b}'\n"),
                                       parse_json(R"({"b": "2", "a": "1"})", "row"), "row");
  ASSERT_EQ(columns.size(), 2);
  EXPECT_EQ(columns[0].name, "z");
  EXPECT_EQ(columns[0].text, "1");
  EXPECT_EQ(column_text(columns, "a"), "2");
}

TEST(Columns, WrongRowsSayWhereAndWhat) {
  struct Case {
    std::string yaml;
    std::string row;
    std::string message;
  };
  for (const Case& c : std::vector<Case>{
           {"q: '{question}'", R"({"answer": "x", "id": 1})",
            "dev.jsonl:3: no field 'question' (the row has: answer, id)"},
           {"q: '{question}'", R"({"question": 7})", "field 'question' is a number, must be text"},
           {"q: '{question}'", R"({"question": null})", "field 'question' is null"},
           {"q: '{question}'", R"(["x"])", "the row is a list, must be an object"},
           {"q: '{c[0]}'", R"({"c": "x"})", "field 'c' is text, must be a list"},
           {"q: '{c[2]}'", R"({"c": ["x"]})", "field 'c' has 1 elements, element [2] is needed"},
           {"q: {value: '{a}', map: {'0': A, '1': B}}", R"({"a": 2})",
            "'2' for column 'q' must be one of: 0, 1"},
           {"q: {value: '{a}', map: {'0': A}}", R"({"a": [0]})", "field 'a' is a list"}}) {
    EXPECT_THAT([&] { first_column(c.yaml, c.row); }, ThrowsMessage<Error>(HasSubstr(c.message)));
  }
}

TEST(Columns, FaultsOfTheYamlComeOutTogether) {
  try {
    columns_of("a: '{x'\nb: '{}'\nc: '{x[y]}'\nd: {map: {x: 1}}\ne: {value: x, mop: {}}\n");
    FAIL();
  } catch (const UsageError& error) {
    EXPECT_EQ(error.faults().size(), 5) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("did you mean 'map'?"));
  }
}

}  // namespace
}  // namespace sft
