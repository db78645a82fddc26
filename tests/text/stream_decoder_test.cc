#include "sft/text/stream_decoder.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer_cases.h"

#include "sft/core/error.h"

namespace sft {
namespace {

using testing::ElementsAre;

// Letters, and bytes that begin, continue and break characters.
constexpr char kBytes[] = "az\x80\xBF\xC3\xE3\x81\xED\xA0\xF0\x9F\x90\xF4\x8F\xE0\xFF";

// One token a byte.
std::vector<int32_t> byte_ids(const Tokenizer& tokenizer, const std::string& bytes) {
  std::vector<int32_t> by_byte(256);
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (const std::string token = tokenizer.token_bytes(id); token.size() == 1) {
      by_byte[static_cast<unsigned char>(token[0])] = id;
    }
  }
  std::vector<int32_t> ids;
  ids.reserve(bytes.size());
  for (const char byte : bytes) {
    ids.push_back(by_byte[static_cast<unsigned char>(byte)]);
  }
  return ids;
}

std::vector<std::string> streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  StreamDecoder decoder(tokenizer);
  std::vector<std::string> parts;
  for (const int32_t id : ids) {
    parts.push_back(decoder.push(id));
  }
  parts.push_back(decoder.finish());
  return parts;
}

TEST(StreamDecoder, WaitsForWholeCharacters) {
  const auto tokenizer = small_tokenizer();
  EXPECT_THAT(streamed(*tokenizer, byte_ids(*tokenizer, "a\xE6\xB8\xAF!")),
              ElementsAre("a", "", "", "\xE6\xB8\xAF", "!", ""));
}

TEST(StreamDecoder, ReplacesWhatCannotBeCompleted) {
  const auto tokenizer = small_tokenizer();
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_THAT(streamed(*tokenizer, byte_ids(*tokenizer, "\xF0\x9Fz\xFF\xC3")),
              ElementsAre("", "", bad + "z", bad, "", bad));
}

TEST(StreamDecoder, JoinsToTheDecodedText) {
  const auto tokenizer = small_tokenizer();
  uint32_t state = 1;
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    for (int i = 0; i < 40; ++i) {
      state = state * 1664525 + 1013904223;
      bytes.push_back(kBytes[state >> 28]);
    }
    const std::vector<int32_t> ids = byte_ids(*tokenizer, bytes);
    std::string joined;
    for (const std::string& part : streamed(*tokenizer, ids)) {
      joined += part;
    }
    EXPECT_EQ(joined, decode(*tokenizer, ids, DecodeSpecial::kKeep));
  }
}

TEST(StreamDecoder, SkipsSpecialTokensAndRefusesUnknownIds) {
  const auto tokenizer = small_tokenizer();
  StreamDecoder decoder(*tokenizer, DecodeSpecial::kSkip);
  EXPECT_EQ(decoder.push(0), "");
  EXPECT_THROW(decoder.push(-1), Error);
}

}  // namespace
}  // namespace sft
