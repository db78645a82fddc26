// What load_tokenizer makes of a folder's files, and what it refuses.

#include <iterator>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenizer_cases.h"

#include "sft/core/error.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

using testing::HasSubstr;

constexpr char kDamage[] = {'"', '}', '\\', '0', '\xFF'};

std::string error_of(const std::filesystem::path& path) {
  try {
    load_tokenizer(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string error_of_json(const std::string& text) {
  const TempFolder folder;
  return error_of(folder.write("tokenizer.json", text));
}

// The small tokenizer with `from` replaced by `to` in its text.
std::string error_of_edit(const std::string& from, const std::string& to) {
  std::string text = small_tokenizer_json().dump();
  const size_t at = text.find(from);
  if (at == std::string::npos) {
    return "no '" + from + "' in the text";
  }
  return error_of_json(text.replace(at, from.size(), to));
}

std::unique_ptr<Tokenizer> load_folder(const std::string& config, const std::string& map = "{}") {
  const TempFolder folder;
  folder.write("tokenizer.json", small_tokenizer_json().dump());
  folder.write("tokenizer_config.json", config);
  folder.write("special_tokens_map.json", map);
  return load_tokenizer(folder.path());
}

TEST(TokenizerConfig, NamesBosAndEosAsStringOrObject) {
  const auto tokenizer = load_folder(R"({"bos_token": {"content": "<|endoftext|>"},
                                         "eos_token": "<|endoftext|>"})");
  EXPECT_EQ(tokenizer->bos_id(), 0);
  EXPECT_EQ(tokenizer->eos_id(), 0);
}

TEST(TokenizerConfig, FallsBackToTheSpecialTokensMap) {
  const auto tokenizer = load_folder(R"({"bos_token": null})", R"({"eos_token": "<|endoftext|>"})");
  EXPECT_EQ(tokenizer->bos_id(), std::nullopt);
  EXPECT_EQ(tokenizer->eos_id(), 0);
}

TEST(TokenizerConfig, AddBosTokenDecidesWhatIsAdded) {
  const auto with = load_folder(R"({"bos_token": "<|endoftext|>", "add_bos_token": true})");
  EXPECT_EQ(with->encode("a", SpecialTokens::kAdd).ids.front(), 0);
  const auto without = load_folder(R"({"bos_token": "<|endoftext|>", "add_bos_token": false})");
  EXPECT_NE(without->encode("a", SpecialTokens::kAdd).ids.front(), 0);
}

TEST(TokenizerConfig, BosInTheTextIsNotAddedAgain) {
  const auto tokenizer = load_folder(R"({"bos_token": "<|endoftext|>", "add_bos_token": true})");
  const Encoding encoding = tokenizer->encode("<|endoftext|>a", SpecialTokens::kAdd);
  EXPECT_EQ(encoding.ids.size(), 2U);
  EXPECT_EQ(encoding.ends.front(), 13U);
}

TEST(TokenizerConfig, UnknownSpecialTokensGetTheNextIds) {
  const auto tokenizer = load_folder(R"({"pad_token": "<pad>", "added_tokens_decoder":
      {"1100": {"content": "<x>", "special": false, "normalized": false}}})");
  EXPECT_EQ(tokenizer->id_of("<x>"), 1100);
  EXPECT_EQ(tokenizer->id_of("<pad>"), 1101);
  EXPECT_TRUE(tokenizer->is_special(1101));
  EXPECT_FALSE(tokenizer->is_special(1100));
  EXPECT_EQ(tokenizer->vocab_size(), 1102);
}

TEST(LoadTokenizer, NamesWhatIsMissing) {
  const TempFolder folder;
  EXPECT_THAT(error_of(folder.path()), HasSubstr("no tokenizer.json"));
  EXPECT_THAT(error_of(folder.path() / "absent"), HasSubstr("absent: no such file"));
  EXPECT_THAT(error_of(folder.write("empty", "")), HasSubstr("no tokenizer that is supported"));
}

TEST(LoadTokenizer, TellsWhereTheJsonIsBroken) {
  EXPECT_THAT(error_of_json("{\n  \"model\": {\"type\": }\n}"), HasSubstr("line 2"));
  EXPECT_THAT(error_of_json("{"), HasSubstr("broken JSON"));
  EXPECT_THAT(error_of_json("{\"model\": {\"vocab\": {\"a\": 1"), HasSubstr("broken JSON"));
}

struct BadEdit {
  const char* from;
  const char* to;
  const char* message;
};

TEST(LoadTokenizer, RefusesWhatDoesNotFitOrIsNotSupported) {
  const BadEdit edits[] = {
      {"\"merges\":[", "\"merges\":[[\"!\",\"no\"],", "merge 0 ('!' and 'no') needs token 'no'"},
      {"\"!\":1,", "\"!\":2,", "id 2 is given to"},
      {"\"!\":1,", "\"!\":-1,", "has id -1"},
      {"\"!\":1,", "\"!\":1152921504606846976,", "has id 1152921504606846976"},
      {"\"!\":1,", "\"!\":1.5,", "the id of '!' is no integer"},
      {"\"!\":1,", "\"!\":\"1\",", "the id of '!' is no integer"},
      {"\"!\":1,", "\"!\":1,\"!\":1099999,", "listed twice"},
      {"\"id\":0", "\"id\":7", "in model.vocab 0"},
      {"\"id\":0", "\"id\":-7", "-7"},
      {"\"vocab\":{", "\"vocab\":[],\"other\":{", "model.vocab"},
      {"\"merges\":[", "\"merges\":[\"a b c\",", "not two tokens"},
      {"\"merges\":[", "\"merges\":[[\"a\"],", "no ','"},
      {"\"merges\":[", "\"merges\":[7,", "no '\"'"},
      {"\"type\":\"BPE\"", "\"type\":\"WordPiece\"", "'WordPiece' is not supported"},
      {"\"byte_fallback\":false", "\"byte_fallback\":true", "byte_fallback is not supported"},
      {"\"byte_fallback\":false", "\"byte_fallback\":3", "byte_fallback"},
      {"\"dropout\":null", "\"dropout\":0.1", "dropout is not supported"},
      {"\"unk_token\":null", "\"unk_token\":\"no such\"", "unk_token 'no such'"},
      {"\"normalizer\":null", "\"normalizer\":{\"type\":\"Nmt\"}", "'Nmt' is not supported"},
      {"\"post_processor\":null", "\"post_processor\":{\"type\":\"BertProcessing\"}",
       "'BertProcessing' is not supported"},
      {"\"type\":\"ByteLevel\"", "\"type\":\"UnicodeScripts\"",
       "'UnicodeScripts' is not supported"},
      {"\"type\":\"ByteLevel\"", "\"type\":\"Whitespace\"",
       "decoder: 'ByteLevel' is not supported"},
  };
  for (const BadEdit& edit : edits) {
    EXPECT_THAT(error_of_edit(edit.from, edit.to), HasSubstr(edit.message))
        << edit.from << " -> " << edit.to;
  }
}

TEST(LoadTokenizer, RefusesBrokenRegularExpressions) {
  const Json split = parse_json(
      R"({"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
          {"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated", "invert": false},
          {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}})",
      "spec");
  EXPECT_THAT(error_of_json(small_tokenizer_json(split).dump()), HasSubstr("'(a'"));
}

// Every prefix of a tokenizer.json is an Error; with any byte changed it is an Error or a
// tokenizer.
TEST(LoadTokenizer, SurvivesAnyDamage) {
  const Json spec = {{"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}}},
                     {"merges", {"a b"}},
                     {"added_tokens", Json::array()}};
  const std::string text = small_tokenizer_json(spec).dump();
  const TempFolder folder;
  int num_refused = 0;
  const auto try_load = [&](const std::string& damaged) {
    try {
      load_tokenizer(folder.write("tokenizer.json", damaged))->encode("ab", SpecialTokens::kAdd);
    } catch (const Error&) {
      ++num_refused;
    }
  };
  for (size_t size = 0; size < text.size(); ++size) {
    try_load(text.substr(0, size));
  }
  EXPECT_EQ(num_refused, static_cast<int>(text.size()));
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = kDamage[i % std::size(kDamage)];
    try_load(damaged);
  }
}

}  // namespace
}  // namespace sft
