#include "sft/estimate/known_model.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "message_of.h"

#include "sft/core/error.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path models_folder() {
  return fs::path(SFT_TEST_SOURCE_DIR) / "configs" / "models";
}

struct Published {
  const char* name;
  const char* hub_id;
  int64_t parameters;  // as published; rounded to `digit`
  int64_t digit;
};

class PublishedCounts : public testing::TestWithParam<Published> {};

TEST_P(PublishedCounts, EqualThoseOfTheFile) {
  const Published& published = GetParam();
  const KnownModel model = load_known_model((models_folder() / published.name).string() + ".yaml");
  EXPECT_EQ(model.hub_id, published.hub_id);
  const auto digit = static_cast<double>(published.digit);
  EXPECT_EQ(
      std::llround(static_cast<double>(model.shape.num_parameters()) / digit) * published.digit,
      published.parameters);
}

// Where the published count is exact, it is the total that the hub shows for the model's
// safetensors files; LLM-jp-3's is the sum of the embedding parameters (815,792,128) and the others
// (6,476,271,616) on its model card. Of the last five no exact count is published: theirs are the
// rounded ones on their model pages, and Llama-3-based ones have the count of Llama 3 itself.
INSTANTIATE_TEST_SUITE_P(
    Models, PublishedCounts,
    testing::Values(
        Published{"olmo-7b", "allenai/OLMo-7B-hf", 6'888'095'744, 1},
        Published{"llm-jp-3-7b", "llm-jp/llm-jp-3-7.2b", 815'792'128 + 6'476'271'616, 1},
        Published{"qwen2.5-7b", "Qwen/Qwen2.5-7B", 7'615'616'512, 1},
        Published{"llama-3-8b", "meta-llama/Meta-Llama-3-8B", 8'030'261'248, 1},
        Published{"mistral-7b", "mistralai/Mistral-7B-v0.1", 7'241'732'096, 1},
        Published{"gemma2-9b", "google/gemma-2-9b", 9'241'705'984, 1},
        Published{"yi-1.5-9b", "01-ai/Yi-1.5-9B", 8'829'407'232, 1},
        Published{"llama-3-chinese-8b", "hfl/llama-3-chinese-8b", 8'030'261'248, 1},
        Published{"llama-3-swallow-8b", "tokyotech-llm/Llama-3-Swallow-8B-v0.1", 8'030'261'248, 1},
        Published{"sarashina2-7b", "sbintuitions/sarashina2-7b", 7'320'000'000, 10'000'000},
        Published{"chinese-mistral-7b", "itpossible/Chinese-Mistral-7B-v0.1", 7'500'000'000,
                  100'000'000},
        Published{"swallow-mistral-7b", "tokyotech-llm/Swallow-MS-7b-v0.1", 7'330'000'000,
                  10'000'000}),
    [](const auto& info) {
      std::string name = info.param.name;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
      return name;
    });

TEST(KnownModels, AllOpenWithTheirPurpose) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(models_folder())) {
    const KnownModel model = load_known_model(entry.path());
    EXPECT_FALSE(model.license.empty()) << entry.path();
    EXPECT_GT(model.shape.context_length, 0) << entry.path();
    std::ifstream file(entry.path());
    EXPECT_EQ(file.get(), '#') << entry.path();
    ++count;
  }
  EXPECT_EQ(count, 12);
}

TEST(KnownModels, AreFoundByNameAndByHubId) {
  // The tests' binary has no configs beside it: the names are those of ./configs alone.
  const fs::path before = fs::current_path();
  fs::current_path(SFT_TEST_SOURCE_DIR);
  const auto by_name = find_known_model("qwen2.5-7b");
  const auto by_id = find_known_model("Qwen/Qwen2.5-7B");
  const auto unknown = find_known_model("Qwen/Qwen2.5-8B");
  fs::current_path(before);
  ASSERT_TRUE(by_name.has_value());
  ASSERT_TRUE(by_id.has_value());
  EXPECT_EQ(by_name->shape.num_parameters(), by_id->shape.num_parameters());
  EXPECT_FALSE(unknown.has_value());
}

TEST(KnownModels, HaveBytesAndArithmetic) {
  const ModelShape olmo = load_known_model(models_folder() / "olmo-7b.yaml").shape;
  EXPECT_EQ(olmo.weight_bytes(), 4 * uint64_t{6'888'095'744});  // published in float32
  const ModelShape qwen = load_known_model(models_folder() / "qwen2.5-7b.yaml").shape;
  EXPECT_EQ(qwen.weight_bytes(), 2 * uint64_t{7'615'616'512});
  // All matrices but the embedding, twice each number, and a little for the scores.
  const double matrices = 2.0 * (7'615'616'512 - 152064.0 * 3584);
  const double flops = qwen.layer_flops(1) + qwen.output_flops();
  EXPECT_NEAR(flops / matrices, 1, 1e-3);
}

TEST(KnownModels, TheirWindowsCutTheArithmetic) {
  const KnownModel mistral = load_known_model(models_folder() / "mistral-7b.yaml");
  EXPECT_THAT(mistral.shape.layer_windows, testing::Each(4096));
  const KnownModel gemma = load_known_model(models_folder() / "gemma2-9b.yaml");
  EXPECT_EQ(gemma.shape.layer_windows[0], 4096);
  EXPECT_EQ(gemma.shape.layer_windows[1], 0);
  const KnownModel qwen = load_known_model(models_folder() / "qwen2.5-7b.yaml");
  EXPECT_THAT(qwen.shape.layer_windows, testing::Each(0));  // not in use
}

constexpr const char* kGood =
    "hub: a/b\nlicense: mit\ntokenizer: unigram\ndtype: bfloat16\n"
    "shape: {model_type: llama, vocab_size: 10, hidden_size: 8, intermediate_size: 6,\n"
    "        num_hidden_layers: 2, num_attention_heads: 4}\n";

KnownModel parsed(const std::string& text) {
  return read_known_model(ConfigNode::parse(text, "m.yaml"));
}

TEST(KnownModel, ReadsItsFields) {
  const KnownModel model = parsed(std::string(kGood) + "published_name: B\n");
  EXPECT_EQ(model.published_name, "B");
  EXPECT_EQ(model.license, "mit");
  EXPECT_EQ(model.tokenizer, "unigram");
  EXPECT_EQ(model.shape.dtype, "bfloat16");
  EXPECT_EQ(model.shape.num_kv_heads, 4);
}

TEST(KnownModel, RefusesWhatIsUnknownMissingOrContradictory) {
  const auto replaced = [](const std::string& what, const std::string& by) {
    std::string text = kGood;
    return text.replace(text.find(what), what.size(), by);
  };
  const std::pair<std::string, const char*> cases[] = {
      {std::string(kGood) + "licence: mit\n", "unknown key 'licence'"},
      {replaced("vocab_size", "vocabsize"), "unknown key 'shape.vocabsize'"},
      {replaced("hub: a/b\n", ""), "'hub'"},
      {replaced("unigram", "wordpiece"), "wordpiece"},
      {replaced("llama", "lama"), "did you mean 'llama'?"},
      {replaced("num_attention_heads: 4", "num_attention_heads: 3"), "8 does not divide into"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(message_of([&text = text] { parsed(text); }), HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace sft
