// What load_tokenizer makes of sentencepiece models, tiktoken ranks and tokenizer.json files of
// characters with the configs beside them, and what it refuses.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"
#include "sft/io/base64.h"
#include "sft/io/file.h"
#include "sft/io/json.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

using testing::HasSubstr;

std::filesystem::path case_file(const std::string& name) {
  return std::filesystem::path(SFT_TEST_SOURCE_DIR) / "tests/cases/sentencepiece" / name;
}

std::unique_ptr<Tokenizer> load_folder(const std::string& model, const std::string& config) {
  const TempFolder folder;
  folder.write("tokenizer.model", read_file(case_file(model)));
  folder.write("tokenizer_config.json", config);
  return load_tokenizer(folder.path());
}

std::string error_of(const std::string& name, const std::string& bytes) {
  const TempFolder folder;
  const std::filesystem::path path = folder.write(name, bytes);
  return message_of([&] { load_tokenizer(path); });
}

// A protobuf field of bytes.
std::string field(int number, const std::string& bytes) {
  std::string result(1, static_cast<char>(number << 3 | 2));
  for (size_t size = bytes.size(); true; size >>= 7) {
    result.push_back(static_cast<char>((size & 0x7F) | (size > 0x7F ? 0x80 : 0)));
    if (size <= 0x7F) {
      return result + bytes;
    }
  }
}

std::string number_field(int number, int value) {
  return {static_cast<char>(number << 3), static_cast<char>(value)};
}

std::string piece(const std::string& text, int type, float score = -1) {
  std::string bits(sizeof(score), '\0');
  std::memcpy(bits.data(), &score, sizeof(score));
  return field(1, field(1, text) + "\x15" + bits + number_field(3, type));
}

std::string small_model(const std::string& more = "") {
  return piece("<unk>", 2) + piece("a", 1) + piece("\xE2\x96\x81", 1) + more;
}

TEST(SentencePieceFolder, TextGivesSpecialTokensAndBosByTheConfig) {
  const auto plain = load_tokenizer(case_file("llama_bpe.model"));
  EXPECT_EQ(plain->bos_id(), 1);
  EXPECT_EQ(plain->eos_id(), 2);
  EXPECT_NE(plain->encode("<s>", SpecialTokens::kAdd).ids, (std::vector<int32_t>{1}));
  const auto with = load_folder("llama_bpe.model", R"({"add_bos_token": true, "bos_token": "<s>",
      "eos_token": "</s>", "pad_token": "<pad>"})");
  std::vector<int32_t> expected = with->encode("the", SpecialTokens::kNone).ids;
  expected.insert(expected.begin(), 1);
  expected.push_back(2);
  EXPECT_EQ(with->encode("the</s>", SpecialTokens::kAdd).ids, expected);
  EXPECT_EQ(with->encode("<s>the</s>", SpecialTokens::kAdd).ids, expected);
  EXPECT_EQ(with->id_of("<pad>"), plain->vocab_size());
  EXPECT_EQ(decode(*with, expected, DecodeSpecial::kKeep), "<s> the</s>");
  EXPECT_EQ(decode(*with, expected, DecodeSpecial::kSkip), "the");
}

TEST(SentencePieceFolder, TheClassAddsBosWhereTheConfigIsSilent) {
  const auto by_class = load_folder("jp_unigram.model", R"({"tokenizer_class": "LlamaTokenizer"})");
  EXPECT_EQ(by_class->encode("a", SpecialTokens::kAdd).ids.front(), 1);
  const auto silent = load_folder("jp_unigram.model", R"({"tokenizer_class": "T5Tokenizer"})");
  EXPECT_NE(silent->encode("a", SpecialTokens::kAdd).ids.front(), 1);
}

TEST(SentencePieceFolder, AddedTokensHaveTheConfigsIds) {
  const auto tokenizer = load_folder("llama_bpe.model", R"({"added_tokens_decoder":
      {"900": {"content": "<user>", "special": true}}})");
  const Encoding encoding = tokenizer->encode("a<user>b", SpecialTokens::kNone);
  EXPECT_EQ(encoding.ids[encoding.ids.size() / 2], 900);
  EXPECT_EQ(tokenizer->vocab_size(), 901);
}

// With "legacy": false, as transformers, only what begins the text has a space put before it.
TEST(SentencePieceFolder, LegacySaysWhetherSpacesStandBehindSpecialTokens) {
  for (const char* const model : {"llama_bpe.model", "jp_unigram.model"}) {
    const auto legacy = load_folder(model, R"({"bos_token": "<s>"})");
    const auto modern = load_folder(model, R"({"bos_token": "<s>", "legacy": false})");
    EXPECT_EQ(modern->encode("the water", SpecialTokens::kNone).ids,
              legacy->encode("the water", SpecialTokens::kNone).ids);
    EXPECT_EQ(modern->encode("<s> the", SpecialTokens::kNone).ids,
              legacy->encode("<s>the", SpecialTokens::kNone).ids);
    EXPECT_NE(modern->encode("<s>the", SpecialTokens::kNone).ids,
              legacy->encode("<s>the", SpecialTokens::kNone).ids);
  }
}

TEST(SentencePieceFile, RefusesWhatIsBrokenOrNotSupported) {
  const std::string nan_score = piece("n", 1, std::numeric_limits<float>::quiet_NaN());
  const std::pair<std::string, const char*> cases[] = {
      {small_model(piece("a", 1)), "piece 'a' is listed twice, with ids 1 and 3"},
      {small_model(piece("", 1)), "piece 3 is empty"},
      {small_model(piece("\xFF", 1)), "not UTF-8"},
      {small_model(piece(std::string("b\0", 2), 1)), "holds a zero byte"},
      {small_model(piece("b", 7)), "piece 3 is of unknown type 7"},
      {small_model(piece("b", 2)), "pieces 0 and 3 are both the unknown one"},
      {piece("a", 1) + piece("b", 1), "no piece is the unknown one"},
      {small_model(nan_score), "the score of 'n' is nan"},
      {small_model(field(2, number_field(3, 3))), "model type word is not supported"},
      {small_model(field(2, number_field(3, 4))), "model type char is not supported"},
      {small_model(field(3, field(2, "abc"))), "precompiled_charsmap of 3 bytes: too short"},
      {small_model(field(3, field(2, std::string(3, '\xFF') + "\x7F" + "abc"))), "a trie of"},
      {small_model(field(5, field(2, "abc"))), "a denormalizer is not supported"},
      {small_model("\x0A\x7F"), "broken or cut off: 127 bytes are needed where 0 are left"},
      {small_model("\x0C"), "a field of wire type 4"},
      {small_model(std::string(1, '\x10') + std::string(11, '\xFF')), "more than ten bytes"},
  };
  for (const auto& [bytes, message] : cases) {
    EXPECT_THAT(error_of("m.model", bytes), HasSubstr(message));
  }
  EXPECT_EQ(error_of("m.model", small_model()), "");
}

TEST(SentencePieceFile, SurvivesAnyDamage) {
  const TempFolder folder;
  for (const char* const name : {"plain_unigram.model", "plain_bpe.model"}) {
    const std::string whole = read_file(case_file(name));
    uint32_t state = 1;
    int num_refused = 0;
    for (int round = 0; round < 300; ++round) {
      std::string bytes = whole;
      for (int i = 0; i < 3; ++i) {
        state = state * 1664525 + 1013904223;
        bytes[(state >> 8) % bytes.size()] = static_cast<char>(state >> 24);
      }
      try {
        load_tokenizer(folder.write("m.model", bytes))
            ->encode("the <sep> \xEF\xBC\xA1 water", SpecialTokens::kAdd);
      } catch (const Error&) {
        ++num_refused;
      }
    }
    EXPECT_GT(num_refused, 30) << name;
  }
}

TEST(Tiktoken, ReadsRanksAndTellsTheWordsFromThem) {
  // The bytes a, b, 1, space; "ab", " ab", "11".
  const std::string ranks = "YQ== 0\nYg== 1\nMQ== 2\nIA== 3\nYWI= 4\nIGFi 5\n";
  const TempFolder folder;
  const auto one = load_tokenizer(folder.write("x.tiktoken", ranks));
  EXPECT_EQ(one->encode("ab ab11", SpecialTokens::kAdd).ids, (std::vector<int32_t>{4, 5, 2, 2}));
  EXPECT_EQ(one->token_bytes(5), " ab");
  EXPECT_EQ(one->token(5),
            "\xC4\xA0"
            "ab");
  const auto three = load_tokenizer(folder.write("x.tiktoken", ranks + "MTE= 6\r\nMTEx 7\n"));
  EXPECT_EQ(three->encode("1111", SpecialTokens::kAdd).ids, (std::vector<int32_t>{7, 2}));
}

// tiktoken's rule as it is stated: a word that is a token is that token; else the leftmost pair
// whose bytes joined have the lowest rank becomes one, until no pair has a rank.
std::vector<int32_t> merged_by_rank(const std::vector<std::string>& tokens,
                                    const std::string& word) {
  const auto rank = [&tokens](const std::string& bytes) {
    return std::find(tokens.begin(), tokens.end(), bytes) - tokens.begin();
  };
  std::vector<std::string> parts;
  for (const char c : word) {
    parts.emplace_back(1, c);
  }
  if (rank(word) < std::ssize(tokens)) {
    parts = {word};
  }
  while (true) {
    auto best = std::ssize(tokens);
    size_t place = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      if (const auto here = rank(parts[i] + parts[i + 1]); here < best) {
        best = here;
        place = i;
      }
    }
    if (best == std::ssize(tokens)) {
      break;
    }
    parts[place] += parts[place + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
  std::vector<int32_t> ids;
  for (const std::string& part : parts) {
    ids.push_back(static_cast<int32_t>(rank(part)));
  }
  return ids;
}

TEST(Tiktoken, MergesAsItsRuleSaysWhateverTheOrderOfTheRanks) {
  std::mt19937 random(7);
  const auto random_word = [&random](size_t most) {
    std::string word(1 + random() % most, 'a');
    std::generate(word.begin(), word.end(), [&] { return random() % 2 == 0 ? 'a' : 'b'; });
    return word;
  };
  const TempFolder folder;
  for (int round = 0; round < 200; ++round) {
    // Tokens in an order in which parts may come after their whole, as they do in real files.
    std::vector<std::string> tokens = {"a", "b"};
    while (tokens.size() < 14) {
      const std::string token = random_word(7);
      if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) {
        tokens.push_back(token);
      }
    }
    std::string ranks;
    for (size_t i = 0; i < tokens.size(); ++i) {
      ranks += encode_base64(tokens[i]) + " " + std::to_string(i) + "\n";
    }
    const auto tokenizer = load_tokenizer(folder.write("x.tiktoken", ranks));
    for (int i = 0; i < 20; ++i) {
      const std::string word = random_word(30);
      EXPECT_EQ(tokenizer->encode(word, SpecialTokens::kAdd).ids, merged_by_rank(tokens, word))
          << word << " with\n"
          << ranks;
    }
  }
}

TEST(Tiktoken, TakesSpecialTokensFromTheConfig) {
  const TempFolder folder;
  folder.write("qwen.tiktoken", "YQ== 0\nYg== 1\n");
  folder.write("tokenizer_config.json", R"({"eos_token": "<end>", "added_tokens_decoder":
      {"7": {"content": "<end>", "special": true}}})");
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->encode("a<end>b", SpecialTokens::kAdd).ids, (std::vector<int32_t>{0, 7, 1}));
  EXPECT_EQ(tokenizer->eos_id(), 7);
}

TEST(Tiktoken, RefusesBrokenLines) {
  EXPECT_THAT(error_of("x.tiktoken", "YQ== 0\nYg==\n"), HasSubstr("x.tiktoken:2: 'Yg=='"));
  EXPECT_THAT(error_of("x.tiktoken", "YQ== 0\n*** 1\n"), HasSubstr("no token in base64"));
  EXPECT_THAT(error_of("x.tiktoken", "YQ== 0\nYg== x\n"), HasSubstr("'x' is no rank"));
  EXPECT_THAT(error_of("x.tiktoken", "YQ== 0\nYg== 0\n"), HasSubstr("listed twice"));
  EXPECT_THAT(error_of("x.tiktoken", "YQ== 0\nYg== 99999999999\n"), HasSubstr("has id"));
}

TEST(TokenizerFolder, TakesTheOneFileThatIsThere) {
  const TempFolder folder;
  folder.write("my.tiktoken", "YQ== 0\n");
  EXPECT_EQ(load_tokenizer(folder.path())->vocab_size(), 1);
  folder.write("other.tiktoken", "YQ== 0\n");
  EXPECT_THAT(message_of([&] { load_tokenizer(folder.path()); }),
              HasSubstr("2 files *.tiktoken and no tokenizer.json"));
}

struct BadEdit {
  const char* file;
  const char* from;
  const char* to;
  const char* message;
};

TEST(CharacterTokenizerJson, RefusesWhatDoesNotFitOrIsNotSupported) {
  const BadEdit edits[] = {
      {"unigram.json", "\"unk_id\":0", "\"unk_id\":99999", "unk_id 99999 is none of the"},
      {"unigram.json", "\"vocab\":[", "\"vocab\":[[\"<s>\",0.0],", "'<s>' is listed twice"},
      {"unigram.json", "\"vocab\":[", "\"vocab\":[[\"q\"],", "no tokenizer.json: no ','"},
      {"unigram.json", "\"vocab\":[", "\"vocab\":[[\"q\",\"x\"],", "the score of 'q' is no number"},
      {"unigram.json", "\"vocab\":[", "\"vocab\":[[\"q\",1e999],", "number overflow"},
      {"unigram.json", "\"type\":\"Unigram\"", "\"type\":\"WordLevel\"",
       "'WordLevel' is not supported (known: BPE, Unigram)"},
      {"unigram.json", "\"type\":\"Fuse\"", "\"type\":\"CTC\"", "decoder: 'CTC' is not supported"},
      {"unigram.json", "\"start\":1", "\"start\":2", "Strip of 2 and 0 ' ' is not supported"},
      {"unigram.json", "\"pre_tokenizer\":null", "\"pre_tokenizer\":{\"type\":\"ByteLevel\"}",
       "Unigram is not supported with ByteLevel"},
      {"char_bpe.json", "\"unk_token\":\"<unk>\"", "\"unk_token\":\"no\"", "unk_token 'no'"},
      {"char_bpe.json", "\"merges\":[", "\"merges\":[[\"e\",\"\xE2\x98\x83\"],",
       "needs token '\xE2\x98\x83', which model.vocab lacks"},
  };
  for (const BadEdit& edit : edits) {
    std::string text = read_file(case_file(edit.file));
    const size_t at = text.find(edit.from);
    ASSERT_NE(at, std::string::npos) << edit.from;
    EXPECT_THAT(error_of("tokenizer.json", text.replace(at, std::strlen(edit.from), edit.to)),
                HasSubstr(edit.message));
  }
}

}  // namespace
}  // namespace sft
