// Real tokenizers, with ids that the reference libraries gave (../shared/data/tokenizers).

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/io/jsonl.h"
#include "sft/text/stream_decoder.h"
#include "sft/text/tokenizer.h"

namespace sft {
namespace {

struct GoldenCase {
  const char* name;  // in golden_ids.jsonl, where each row has ids by tokenizer
  const char* file;
};

constexpr GoldenCase kCases[] = {
    {"olmo-v1_5", "olmo/allenai_gpt-neox-olmo-dolma-v1_5.json"},
    {"qwen3-hf", "qwen/qwen3_tokenizer.json.gz"},
    {"qwen-base", "qwen/qwen.tiktoken"},
    {"llama3-base", "llama3/tokenizer.model"},
    {"llama2", "llama2/tokenizer.model"},
    {"mistral-v1", "mistral/tokenizer.model.v1"},
    {"llm-jp-v2.2-10K20K30K", "llm-jp/code10K_en20K_ja30K.ver2.2.model"},
    {"llm-jp-v2.2-hf", "llm-jp/hf_ver2.2.b4_tokenizer.json"},
    {"llm-jp-v3.0b1", "llm-jp/llm-jp-tokenizer-100k.ver3.0b1.model"},
};

std::string gunzipped(const std::filesystem::path& path) {
  const std::string command = "gzip -dc '" + path.string() + "'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string bytes;
  std::array<char, 1 << 16> buffer{};
  while (const size_t size = fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    bytes.append(buffer.data(), size);
  }
  return bytes;
}

class GoldenIds : public testing::TestWithParam<GoldenCase> {
 protected:
  void SetUp() override {
    if (shared_folder().empty()) {
      GTEST_SKIP() << "no folder ../shared";
    }
    path_ = shared_folder() / "data/tokenizers" / GetParam().file;
    if (path_.extension() == ".gz") {
      path_ = folder_.write("tokenizer.json", gunzipped(path_));
    }
    tokenizer_ = load_tokenizer(path_);
  }

  TempFolder folder_;
  std::filesystem::path path_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_P(GoldenIds, AreOurs) {
  JsonlReader reader(shared_folder() / "data/tokenizers/golden_ids.jsonl");
  int num_texts = 0;
  while (const auto row = reader.next()) {
    const auto text = row->value["text"].get<std::string>();
    const Encoding encoding = tokenizer_->encode(text, SpecialTokens::kNone);
    EXPECT_EQ(encoding.ids, row->value["ids"][GetParam().name].get<std::vector<int32_t>>())
        << row->where;
    ++num_texts;
  }
  EXPECT_GE(num_texts, 30);
}

TEST_P(GoldenIds, DecodeToTheirTextsAllAtOnceOrOneByOne) {
  JsonlReader reader(shared_folder() / "data/tokenizers/golden_ids.jsonl");
  while (const auto row = reader.next()) {
    const auto text = row->value["text"].get<std::string>();
    const Encoding encoding = tokenizer_->encode(text, SpecialTokens::kNone);
    const std::string decoded = decode(*tokenizer_, encoding.ids, DecodeSpecial::kKeep);
    const std::string name = GetParam().name;
    if (!name.starts_with("olmo") && !name.starts_with("qwen")) {  // those normalise to NFC
      EXPECT_EQ(decoded, text) << row->where;
    }
    StreamDecoder decoder(*tokenizer_);
    std::string streamed;
    for (const int32_t id : encoding.ids) {
      streamed += decoder.push(id);
    }
    EXPECT_EQ(streamed + decoder.finish(), decoded) << row->where;
  }
}

TEST_P(GoldenIds, EndsGrowToTheTextsEnd) {
  JsonlReader reader(shared_folder() / "data/tokenizers/golden_ids.jsonl");
  while (const auto row = reader.next()) {
    const auto text = row->value["text"].get<std::string>();
    const Encoding encoding = tokenizer_->encode(text, SpecialTokens::kNone);
    ASSERT_EQ(encoding.ends.size(), encoding.ids.size());
    EXPECT_TRUE(std::is_sorted(encoding.ends.begin(), encoding.ends.end())) << row->where;
    EXPECT_EQ(encoding.ends.empty() ? 0 : encoding.ends.back(), text.size()) << row->where;
  }
}

// A megabyte of one character, as one word or many: seconds at most, where a quadratic way takes
// hours.
TEST_P(GoldenIds, TakeLinearTime) {
  for (const std::string_view unit :
       {"a", " ", "\n", "1", "\xE3\x81\x82", "\xF0\x9F\x98\x80", "\x01"}) {
    std::string text;
    while (text.size() < 1'000'000) {
      text += unit;
    }
    const auto begin = std::chrono::steady_clock::now();
    const Encoding encoding = tokenizer_->encode(text, SpecialTokens::kNone);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    EXPECT_EQ(encoding.ends.back(), text.size());
    EXPECT_LT(taken.count(), 60) << unit.size();
  }
}

std::string case_name(const testing::TestParamInfo<GoldenCase>& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    c = isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Real, GoldenIds, testing::ValuesIn(kCases), case_name);

}  // namespace
}  // namespace sft
