// Tokenizers of characters, held against the tokenizers and sentencepiece packages:
// tests/reference/make_sentencepiece_cases.py wrote tests/cases/sentencepiece with them.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/io/json.h"
#include "sft/io/jsonl.h"
#include "sft/text/stream_decoder.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

std::filesystem::path cases_folder() {
  return std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/cases/sentencepiece";
}

// The tokenizer of a file, a tokenizer.json with the members of `spec` in place of its own.
std::unique_ptr<Tokenizer> load_case(const Json& head) {
  const std::filesystem::path path = cases_folder() / head["file"].get<std::string>();
  if (!head.contains("spec")) {
    return load_tokenizer(path);
  }
  Json json = read_json(path);
  json.update(head["spec"]);
  const TempFolder folder;
  return load_tokenizer(folder.write("tokenizer.json", json.dump()));
}

std::string streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  StreamDecoder decoder(tokenizer);
  std::string text;
  for (const int32_t id : ids) {
    text += decoder.push(id);
  }
  return text + decoder.finish();
}

void expect_equal(const Tokenizer& tokenizer, const Json& expected, const std::string& where) {
  const auto ids = expected["ids"].get<std::vector<int32_t>>();
  EXPECT_EQ(decode(tokenizer, ids, DecodeSpecial::kKeep), expected["decoded"].get<std::string>())
      << where;
  EXPECT_EQ(streamed(tokenizer, ids), expected["decoded"].get<std::string>()) << where;
  if (!expected.contains("text")) {
    return;
  }
  const auto text = expected["text"].get<std::string>();
  const Encoding encoding = tokenizer.encode(text, SpecialTokens::kNone);
  EXPECT_EQ(encoding.ids, ids) << where << ": " << text;
  ASSERT_EQ(encoding.ends.size(), encoding.ids.size());
  EXPECT_TRUE(std::is_sorted(encoding.ends.begin(), encoding.ends.end())) << where;
  EXPECT_LE(encoding.ends.empty() ? 0 : encoding.ends.back(), text.size()) << where;
}

TEST(SentencePieceCases, EqualTheirPackages) {
  JsonlReader reader(cases_folder() / "cases.jsonl");
  std::unique_ptr<Tokenizer> tokenizer;
  std::string name;
  int num_cases = 0;
  while (const auto row = reader.next()) {
    if (row->value.contains("file")) {
      name = row->value["file"].get<std::string>() + " " +
             (row->value.contains("variant") ? row->value["variant"].get<std::string>() : "");
      tokenizer = load_case(row->value);
      continue;
    }
    ++num_cases;
    expect_equal(*tokenizer, row->value, name + ", " + row->where);
  }
  EXPECT_GT(num_cases, 1500);
}

// Every token's bytes are those of the text between the ends, the space in front aside.
TEST(SentencePieceCases, TokensOwnTheBytesOfTheText) {
  for (const char* const file :
       {"llama_bpe.model", "jp_unigram.model", "unigram.json", "char_bpe.json"}) {
    const auto tokenizer = load_tokenizer(cases_folder() / file);
    const std::string text =
        "The harbour isn't \xE6\xB8\xAF\xF0\x9F\x91\x8D\xE9\xBE\x98\n\n  12 \x01";
    const Encoding encoding = tokenizer->encode(text, SpecialTokens::kNone);
    ASSERT_GT(encoding.ids.size(), 10U);
    size_t begin = 0;
    for (size_t i = 0; i < encoding.ids.size(); ++i) {
      std::string bytes = tokenizer->token_bytes(encoding.ids[i]);
      if (i == 0) {
        bytes.erase(0, 1);
      }
      EXPECT_EQ(text.substr(begin, encoding.ends[i] - begin), bytes) << file << ", token " << i;
      begin = encoding.ends[i];
    }
    EXPECT_EQ(begin, text.size()) << file;
  }
}

TEST(SentencePieceCases, InvalidUtf8IsReplacedByMaximalSubparts) {
  const std::string replacement = "\xEF\xBF\xBD";
  for (const char* const file : {"llama_bpe.model", "unigram.json"}) {
    const auto tokenizer = load_tokenizer(cases_folder() / file);
    const std::string text = "a\xF0\x9F\x91z\xED\xA0\x80\xFF";
    const Encoding encoding = tokenizer->encode(text, SpecialTokens::kNone);
    EXPECT_EQ(decode(*tokenizer, encoding.ids, DecodeSpecial::kKeep),
              "a" + replacement + "z" + replacement + replacement + replacement + replacement);
    EXPECT_EQ(encoding.ends.back(), text.size());
    EXPECT_TRUE(std::is_sorted(encoding.ends.begin(), encoding.ends.end()));
  }
}

}  // namespace
}  // namespace sft
