#include "sft/io/json.h"

#include <cmath>
#include <limits>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::HasSubstr;

std::string compact(const Json& value) {
  return dump_json(value, JsonLayout::kCompact);
}

TEST(ParseJson, KeepsTheOrderOfKeysAndTheTypes) {
  const Json value = parse_json(R"({"b": [1, -2, 2.5, true, null], "a": {"x": "y"}})", "t");
  EXPECT_EQ(compact(value), R"({"b": [1, -2, 2.5, true, null], "a": {"x": "y"}})");
  EXPECT_TRUE(value["b"][0].is_number_unsigned());
  EXPECT_TRUE(value["b"][2].is_number_float());
}

TEST(ParseJson, RefusesBrokenTextWithItsPlace) {
  struct Case {
    std::string_view text;
    const char* message;
  };
  const Case cases[] = {
      {"", "t: broken JSON at column 1: unexpected end of input"},
      {"{\"a\": }", "t: broken JSON at column 7: unexpected '}'"},
      {"{\n \"a\": 1\n \"b\": 2}", "t: broken JSON at line 3, column 4: unexpected string"},
      {std::string_view("{}\0garbage", 10), "t: broken JSON at column 3: a zero byte"},
      {"[1, 2", "t: broken JSON at column 5: unexpected end of input"},
      {"[1] x", "t: broken JSON at column 5: invalid literal"},
      {"[01]", "t: broken JSON at column 3: unexpected number"},
      {"[1e999]", "t: broken JSON at column 6: number overflow"},
      {"[NaN]", "t: broken JSON at column 2: invalid literal"},
      {"\"a\xFF\"", "t: broken JSON at column 3: invalid string: ill-formed UTF-8 byte"},
      {"\"\\ud800\"", "t: broken JSON at column 8: invalid string: surrogate"},
      {"{\"a\": 1, \"b\": {\"a\": 1, \"a\": 2}}", "t: duplicate key 'a' in 'b'"},
      {"{\"\": 1, \"\": 2}", "t: duplicate key ''"},
  };
  for (const Case& c : cases) {
    EXPECT_THAT(message_of([&] { parse_json(c.text, "t"); }), testing::StartsWith(c.message))
        << c.text;
  }
}

TEST(ParseJson, ShortensLongTextsInMessages) {
  const std::string text =
      "{\"" + std::string(100'000, 'k') + "\": 1, \"" + std::string(100'000, 'k') + "\": 1}";
  EXPECT_LT(message_of([&] { parse_json(text, "t"); }).size(), 200U);
  EXPECT_LT(message_of([&] { parse_json("\"" + text, "t"); }).size(), 200U);
}

TEST(ParseJson, BoundsTheDepth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(compact(parse_json(nested(100), "t")), nested(100));
  EXPECT_EQ(message_of([&] { parse_json(nested(101), "t"); }),
            "t: JSON nested deeper than 100 levels");
  EXPECT_EQ(message_of([&] { parse_json(std::string(1'000'000, '['), "t"); }),
            "t: JSON nested deeper than 100 levels");
}

TEST(ParseJson, TakesNumbersPastSixtyFourBitsAsDoubles) {
  EXPECT_EQ(parse_json("18446744073709551615", "t").get<uint64_t>(), UINT64_MAX);
  EXPECT_EQ(parse_json("1000000000000000019884624838656", "t").get<double>(), 1e30);
}

TEST(ParseJson, TakesAVocabularyInLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 300'000; ++i) {
    text += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\":" + std::to_string(i);
  }
  EXPECT_EQ(parse_json(text + "}", "t").size(), 300'000U);  // in seconds, not in an hour
}

TEST(ReadJson, NamesTheFile) {
  const TempFolder temp;
  const auto path = temp.write("a.json", "{\n\"a\": [1,]}\n");
  EXPECT_EQ(message_of([&] { read_json(path); }),
            path.string() +
                ": broken JSON at line 2, column 9: unexpected ']'; expected '[', '{', or a "
                "literal");
}

TEST(DumpJson, WritesFloatsShortestAndAsFloats) {
  const std::pair<double, const char*> cases[] = {
      {0.1, "0.1"},       {1.0, "1.0"},
      {-0.0, "-0.0"},     {1e22, "1e+22"},
      {1e-5, "1e-05"},    {123456.0, "123456.0"},
      {100000, "1e+05"},  {1.0 / 3, "0.3333333333333333"},
      {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"},
  };
  for (const auto& [value, text] : cases) {
    EXPECT_EQ(compact(value), text);
    const Json again = parse_json(text, "t");
    EXPECT_TRUE(again.is_number_float()) << text;
    EXPECT_EQ(again.get<double>(), value);
  }
  EXPECT_EQ(compact(std::nan("")), "null");
  EXPECT_EQ(compact(-std::numeric_limits<double>::infinity()), "null");
}

TEST(DumpJson, EscapesWhatMustBeAndNothingElse) {
  // The control character that is escaped, DEL that is not, a letter, an emoji, and a broken byte.
  EXPECT_EQ(compact("\"\\/\b\f\n\r\t\x01\x7F\xC3\xA9\xF0\x9F\x98\x80"),
            "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7F\xC3\xA9\xF0\x9F\x98\x80\"");
  EXPECT_EQ(compact("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(compact(Json{{"a\xFF", 1}}), "{\"a\xEF\xBF\xBD\": 1}");
}

TEST(DumpJson, IndentsByTwoSpaces) {
  const Json value = {{"a", {1, 2}}, {"b", Json::object()}, {"c", Json::array()}};
  EXPECT_EQ(dump_json(value, JsonLayout::kIndented),
            "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {},\n  \"c\": []\n}\n");
}

TEST(JsonMember, GivesValuesOfTheAskedType) {
  const Json object = {{"s", "x"}, {"b", true}, {"d", 1.5}, {"i", -3}};
  EXPECT_EQ(json_member<std::string>(object, "s", "t"), "x");
  EXPECT_EQ(json_member<bool>(object, "b", "t"), true);
  EXPECT_EQ(json_member<double>(object, "d", "t"), 1.5);
  EXPECT_EQ(json_member<double>(object, "i", "t"), -3);
  EXPECT_EQ(json_member<int64_t>(object, "i", "t"), -3);
  EXPECT_EQ(json_member<Json>(object, "d", "t"), Json(1.5));
}

TEST(JsonMember, SaysWhatIsThereInstead) {
  const Json object = {{"s", "x"}, {"d", 1.5}, {"big", UINT64_MAX}};
  EXPECT_EQ(message_of([&] { json_member<std::string>(object, "z", "t"); }), "t: 'z' is missing");
  EXPECT_EQ(message_of([&] { json_member<std::string>(object, "d", "t"); }),
            "t: 'd' is 1.5, must be a text");
  EXPECT_EQ(message_of([&] { json_member<bool>(object, "s", "t"); }),
            "t: 's' is \"x\", must be true or false");
  EXPECT_EQ(message_of([&] { json_member<double>(object, "s", "t"); }),
            "t: 's' is \"x\", must be a number");
  EXPECT_EQ(message_of([&] { json_member<int64_t>(object, "d", "t"); }),
            "t: 'd' is 1.5, must be a whole number");
  EXPECT_EQ(message_of([&] { json_member<int64_t>(object, "big", "t"); }),
            "t: 'big' is 18446744073709551615, must be a whole number");
  EXPECT_THAT(message_of([&] { json_member<int64_t>(Json(3), "k", "t"); }),
              HasSubstr("no object but 3"));
}

}  // namespace
}  // namespace sft
