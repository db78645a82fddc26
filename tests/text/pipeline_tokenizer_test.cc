#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer_cases.h"

#include "sft/core/error.h"
#include "sft/io/jsonl.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

std::string bytes_of(std::string_view text, const Encoding& encoding, size_t i) {
  const size_t begin = i == 0 ? 0 : encoding.ends[i - 1];
  return std::string(text.substr(begin, encoding.ends[i] - begin));
}

// An end inside a character is at the character's end in the reference.
uint32_t character_end(const std::string& text, uint32_t end) {
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) {
    ++end;
  }
  return end;
}

void expect_equal(const Tokenizer& tokenizer, const Json& expected, const std::string& where) {
  const auto text = expected["text"].get<std::string>();
  const Encoding encoding = tokenizer.encode(text, SpecialTokens::kAdd);
  EXPECT_EQ(encoding.ids, expected["ids"].get<std::vector<int32_t>>()) << where;
  EXPECT_EQ(decode(tokenizer, encoding.ids, DecodeSpecial::kKeep),
            expected["decoded"].get<std::string>())
      << where;
  if (expected.contains("ends")) {
    std::vector<uint32_t> ends;
    for (const uint32_t end : encoding.ends) {
      ends.push_back(character_end(text, end));
    }
    EXPECT_EQ(ends, expected["ends"].get<std::vector<uint32_t>>()) << where;
  }
}

// cases.jsonl is written by tests/reference/make_tokenizer_cases.py with the tokenizers package.
TEST(PipelineTokenizer, EqualsTheTokenizersPackage) {
  JsonlReader reader(tokenizer_cases_folder() / "cases.jsonl");
  std::unique_ptr<Tokenizer> tokenizer;
  std::string variant;
  int num_cases = 0;
  while (const auto row = reader.next()) {
    if (row->value.contains("variant")) {
      variant = row->value["variant"].get<std::string>();
      tokenizer = small_tokenizer(row->value["spec"]);
      continue;
    }
    ++num_cases;
    expect_equal(*tokenizer, row->value, variant + ", " + row->where);
  }
  EXPECT_GT(num_cases, 700);
}

TEST(PipelineTokenizer, TokensOwnTheBytesOfTheText) {
  const auto tokenizer = small_tokenizer();
  const std::string text = "The harbour isn't quiet \xE6\xB8\xAF\xF0\x9F\x91\x8D\n\n 12";
  const Encoding encoding = tokenizer->encode(text, SpecialTokens::kNone);
  ASSERT_FALSE(encoding.ids.empty());
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    EXPECT_EQ(bytes_of(text, encoding, i), tokenizer->token_bytes(encoding.ids[i]));
  }
}

TEST(PipelineTokenizer, EndsCountTheBytesBeforeNormalisation) {
  const auto tokenizer = small_tokenizer({{"normalizer", {{"type", "NFC"}}}});
  const std::string text = "cafe\xCC\x81 x";
  const Encoding encoding = tokenizer->encode(text, SpecialTokens::kNone);
  EXPECT_EQ(encoding.ids, tokenizer->encode("caf\xC3\xA9 x", SpecialTokens::kNone).ids);
  EXPECT_EQ(encoding.ends[encoding.ends.size() - 3], 6U);  // the accent ends with its letter
  EXPECT_EQ(encoding.ends.back(), text.size());
}

TEST(PipelineTokenizer, InvalidUtf8IsReplacedByMaximalSubparts) {
  const auto tokenizer = small_tokenizer();
  const std::string text = "a\xF0\x9F\x91z\xED\xA0\x80\xFF";
  const Encoding encoding = tokenizer->encode(text, SpecialTokens::kNone);
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(decode(*tokenizer, encoding.ids, DecodeSpecial::kKeep),
            "a" + replacement + "z" + replacement + replacement + replacement + replacement);
  EXPECT_EQ(encoding.ends.back(), text.size());
  EXPECT_TRUE(std::is_sorted(encoding.ends.begin(), encoding.ends.end()));
}

TEST(PipelineTokenizer, AddsThePostProcessorsBosButNotItsEos) {
  const Json spec = parse_json(R"({"post_processor": {
      "type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}},
                 {"Sequence": {"id": "A", "type_id": 0}},
                 {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}}],
      "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0]}}}})",
                               "spec");
  const auto tokenizer = small_tokenizer(spec);
  const Encoding added = tokenizer->encode("The", SpecialTokens::kAdd);
  const Encoding plain = tokenizer->encode("The", SpecialTokens::kNone);
  ASSERT_EQ(added.ids.size(), plain.ids.size() + 1);
  EXPECT_EQ(added.ids.front(), 0);
  EXPECT_EQ(added.ends.front(), 0U);
}

TEST(PipelineTokenizer, LeavesOutBytesThatHaveNoToken) {
  const Json spec = {{"vocab", {{"a", 1}, {"b", 2}}}, {"merges", Json::array()}};
  const auto tokenizer = small_tokenizer(spec);
  const Encoding encoding = tokenizer->encode("qaqb", SpecialTokens::kNone);
  EXPECT_EQ(encoding.ids, (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(encoding.ends, (std::vector<uint32_t>{3, 4}));
}

TEST(PipelineTokenizer, ReadsBytesWithoutTokenAsUnknown) {
  const Json spec = {{"vocab", {{"a", 1}, {"b", 2}}},
                     {"merges", Json::array()},
                     {"unk_token", "b"},
                     {"fuse_unk", true}};
  EXPECT_EQ(small_tokenizer(spec)->encode("qqaq", SpecialTokens::kNone).ids,
            (std::vector<int32_t>{2, 1, 2}));
}

TEST(PipelineTokenizer, LooksUpTokensByTheVocabularysStrings) {
  const auto tokenizer = small_tokenizer();
  const std::optional<int32_t> the = tokenizer->id_of("\xC4\xA0the");  // U+0120 is a space
  ASSERT_TRUE(the.has_value());
  EXPECT_EQ(tokenizer->token(*the), "\xC4\xA0the");
  EXPECT_EQ(tokenizer->token_bytes(*the), " the");
  EXPECT_EQ(tokenizer->id_of("no such token"), std::nullopt);
  EXPECT_EQ(tokenizer->token(tokenizer->vocab_size()), "");
  EXPECT_EQ(tokenizer->token_bytes(-1), "");
}

// A word of a million bytes is merged in n log n: this takes seconds at most, not hours.
TEST(PipelineTokenizer, MergesAVeryLongWord) {
  const auto tokenizer = small_tokenizer();
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) {
    text.push_back("the"[i % 3]);
  }
  const Encoding encoding = tokenizer->encode(text, SpecialTokens::kNone);
  EXPECT_EQ(decode(*tokenizer, encoding.ids, DecodeSpecial::kKeep), text);
}

TEST(Decode, SkipsSpecialTokensWhereAsked) {
  const auto tokenizer = small_tokenizer();
  const Encoding encoding = tokenizer->encode("a<|endoftext|>b", SpecialTokens::kNone);
  EXPECT_TRUE(tokenizer->is_special(0));
  EXPECT_EQ(decode(*tokenizer, encoding.ids, DecodeSpecial::kSkip), "ab");
  EXPECT_EQ(decode(*tokenizer, encoding.ids, DecodeSpecial::kKeep), "a<|endoftext|>b");
}

TEST(Decode, RefusesIdsBeyondTheVocabulary) {
  const auto tokenizer = small_tokenizer();
  for (const int32_t id : {-1, tokenizer->vocab_size()}) {
    EXPECT_THROW(decode(*tokenizer, std::vector<int32_t>{id}, DecodeSpecial::kKeep), Error);
  }
}

TEST(NumPromptTokens, CountsTokensThatEndInsideThePrompt) {
  const Encoding encoding{{0, 1, 2, 3}, {0, 4, 7, 9}};
  EXPECT_EQ(num_prompt_tokens(encoding, 0), 1U);  // the BOS in front
  EXPECT_EQ(num_prompt_tokens(encoding, 4), 2U);
  EXPECT_EQ(num_prompt_tokens(encoding, 6), 2U);  // token 2 straddles the border
  EXPECT_EQ(num_prompt_tokens(encoding, 9), 4U);
}

}  // namespace
}  // namespace sft
