#include "sft/text/gguf_tokenizer.h"

#include <limits>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gguf_builder.h"
#include "message_of.h"
#include "temp_folder.h"

#include "sft/io/json.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

using testing::HasSubstr;

const std::string kSpace = "\xC4\xA0";  // U+0120

GgufBuilder& put_types(GgufBuilder& builder, const std::vector<int32_t>& types) {
  std::string bytes =
      GgufBuilder::number<uint32_t>(5) + GgufBuilder::number<uint64_t>(types.size());
  for (const int32_t type : types) {
    bytes += GgufBuilder::number(type);
  }
  return builder.raw("tokenizer.ggml.token_type", 9, bytes);
}

GgufBuilder small_file(const std::string& pre = "smollm", const std::string& merge = "a b") {
  GgufBuilder builder;
  builder.string("general.architecture", "llama")
      .integer("llama.context_length", 77)
      .string("tokenizer.ggml.model", "gpt2")
      .string("tokenizer.ggml.pre", pre)
      .strings("tokenizer.ggml.tokens",
               {"<|end|>", "a", "b", kSpace, "1", "ab", kSpace + "ab", "11", "<user>", "[PAD9]"})
      .strings("tokenizer.ggml.merges", {merge, kSpace + " ab", "1 1"})
      .integer("tokenizer.ggml.bos_token_id", 0)
      .integer("tokenizer.ggml.eos_token_id", 0)
      .string("tokenizer.chat_template", "{{ x }}");
  put_types(builder, {3, 1, 1, 1, 1, 1, 1, 1, 4, 5});
  return builder;
}

// A sentencepiece model: three special tokens, the bytes, and a few pieces.
GgufBuilder sentencepiece_file(float score_of_ab = -1) {
  std::vector<std::string> tokens = {"<unk>", "<s>", "</s>"};
  std::vector<int32_t> types = {2, 3, 3};
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(fmt::format("<0x{:02X}>", byte));
    types.push_back(6);
  }
  std::string scores;
  for (const char* const piece : {"\xE2\x96\x81", "a", "b", "c", "ab", "bc",
                                  "\xE2\x96\x81"
                                  "ab"}) {
    tokens.emplace_back(piece);
    types.push_back(1);
  }
  for (const std::string& token : tokens) {
    scores += GgufBuilder::number(token == "ab" ? score_of_ab : token == "bc" ? -2.0F : -3.0F);
  }
  GgufBuilder builder;
  builder.string("tokenizer.ggml.model", "llama")
      .strings("tokenizer.ggml.tokens", tokens)
      .integer("tokenizer.ggml.bos_token_id", 1)
      .integer("tokenizer.ggml.eos_token_id", 2)
      .integer("tokenizer.ggml.unknown_token_id", 0)
      .raw(
          "tokenizer.ggml.scores", 9,
          GgufBuilder::number<uint32_t>(6) + GgufBuilder::number<uint64_t>(tokens.size()) + scores);
  put_types(builder, types);
  return builder;
}

std::string error_of(const GgufBuilder& builder) {
  const TempFolder folder;
  const GgufFile file(folder.write("m.gguf", builder.bytes()));
  return message_of([&] { write_gguf_tokenizer(file, folder.path()); });
}

TEST(GgufTokenizer, IsWrittenAsFilesThatLoad) {
  const TempFolder folder;
  write_gguf_tokenizer(GgufFile(folder.write("m.gguf", small_file().bytes())), folder.path());
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->eos_id(), 0);
  EXPECT_TRUE(tokenizer->is_special(0));
  EXPECT_FALSE(tokenizer->is_special(8));
  EXPECT_EQ(tokenizer->vocab_size(), 9);  // the unused padding is left out
  // Digits one by one, as the name "smollm" says, though "11" could be merged.
  EXPECT_EQ(tokenizer->encode("ab ab11<user><|end|>", SpecialTokens::kAdd).ids,
            (std::vector<int32_t>{5, 6, 4, 4, 8, 0}));
  const Json config = read_json(folder.path() / "tokenizer_config.json");
  EXPECT_EQ(config["chat_template"], "{{ x }}");
  EXPECT_EQ(config["model_max_length"], 77);
}

TEST(GgufTokenizer, AddsBosWhereFileOrNameSaysSo) {
  const TempFolder folder;
  write_gguf_tokenizer(GgufFile(folder.write("m.gguf", small_file("llama-bpe").bytes())),
                       folder.path());
  EXPECT_EQ(load_tokenizer(folder.path())->encode("a", SpecialTokens::kAdd).ids,
            (std::vector<int32_t>{0, 1}));
  // Without the config, by the post-processor.
  EXPECT_EQ(load_tokenizer(folder.path() / "tokenizer.json")->encode("a", SpecialTokens::kAdd).ids,
            (std::vector<int32_t>{0, 1}));
  GgufBuilder silent = small_file("llama-bpe");
  silent.raw("tokenizer.ggml.add_bos_token", 7, std::string(1, '\0'));
  write_gguf_tokenizer(GgufFile(folder.write("m.gguf", silent.bytes())), folder.path());
  EXPECT_EQ(load_tokenizer(folder.path())->encode("a", SpecialTokens::kAdd).ids,
            (std::vector<int32_t>{1}));
}

TEST(GgufTokenizer, SentencePieceScoresBecomeMerges) {
  const TempFolder folder;
  const auto ids = [&](float score_of_ab) {
    write_gguf_tokenizer(GgufFile(folder.write("m.gguf", sentencepiece_file(score_of_ab).bytes())),
                         folder.path());
    return load_tokenizer(folder.path())->encode("cabc\n</s>", SpecialTokens::kAdd).ids;
  };
  // BOS, the space, c, ab, c, the newline as a byte, EOS.
  EXPECT_EQ(ids(-1), (std::vector<int32_t>{1, 259, 262, 263, 262, 13, 2}));
  EXPECT_EQ(ids(-2.5), (std::vector<int32_t>{1, 259, 262, 260, 264, 13, 2}));
  const auto tokenizer = load_tokenizer(folder.path());
  EXPECT_EQ(tokenizer->eos_id(), 2);
  EXPECT_EQ(decode(*tokenizer, ids(-1), DecodeSpecial::kSkip), "cabc\n");
}

TEST(GgufTokenizer, RefusesScoresThatDoNotFit) {
  EXPECT_THAT(error_of(sentencepiece_file(std::numeric_limits<float>::infinity())),
              HasSubstr("the score inf"));
  GgufBuilder builder;
  builder.string("tokenizer.ggml.model", "llama").strings("tokenizer.ggml.tokens", {"a"});
  EXPECT_THAT(error_of(builder), HasSubstr("tokenizer.ggml.scores"));
}

TEST(GgufTokenizer, RefusesUnknownKindsByName) {
  EXPECT_THAT(error_of(small_file("smolm")), HasSubstr("'smolm' (did you mean 'smollm'?"));
  GgufBuilder builder;
  builder.string("tokenizer.ggml.model", "bert");
  EXPECT_THAT(error_of(builder), HasSubstr("'bert' is not supported (known: gpt2, llama)"));
}

TEST(GgufTokenizer, RefusesTablesThatDoNotFit) {
  EXPECT_THAT(error_of(small_file("smollm", "a x")), HasSubstr("merge 0 is 'a x'"));
  EXPECT_THAT(error_of(small_file("smollm", "ab")), HasSubstr("merge 0 is 'ab'"));
  EXPECT_THAT(error_of(small_file("smollm", "")), HasSubstr("merge 0 is ''"));
  GgufBuilder far = small_file();
  far.integer("tokenizer.ggml.padding_token_id", 10);
  EXPECT_THAT(error_of(far), HasSubstr("padding_token_id is 10"));
  GgufBuilder types;
  types.string("tokenizer.ggml.model", "gpt2").strings("tokenizer.ggml.tokens", {"a", "b"});
  EXPECT_THAT(error_of(put_types(types, {1})), HasSubstr("2 tokens"));
  GgufBuilder twice;
  twice.string("tokenizer.ggml.model", "gpt2").strings("tokenizer.ggml.tokens", {"a", "a"});
  EXPECT_THAT(error_of(twice), HasSubstr("tokens 0 and 1 are both 'a'"));
}

}  // namespace
}  // namespace sft
