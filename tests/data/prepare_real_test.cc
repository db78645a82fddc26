// Sets of real samples under real tokenizers of ../shared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/data/overlap.h"
#include "sft/data/prepare.h"
#include "sft/io/input_file.h"
#include "sft/io/jsonl.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

class RealSets : public testing::Test {
 protected:
  void SetUp() override {
    if (shared_folder().empty()) {
      GTEST_SKIP() << "no ../shared beside the checkout";
    }
    data_ = fs::canonical(shared_folder()) / "data";
    const fs::path tokenizers = data_ / "tokenizers";
    const std::string eos = R"({"eos_token": "<|endoftext|>"})";
    folder_.write("olmo/tokenizer_config.json", eos);
    fs::copy_file(tokenizers / "olmo" / "allenai_gpt-neox-olmo-dolma-v1_5.json",
                  folder_.path() / "olmo/tokenizer.json");
    folder_.write("qwen/tokenizer_config.json", eos);
    folder_.write("qwen/tokenizer.json", unpacked(tokenizers / "qwen/qwen3_tokenizer.json.gz"));
    folder_.write("llm-jp/tokenizer_config.json",
                  read_whole_file(tokenizers / "llm-jp/hf_ver3.0b2_tokenizer_config.json"));
    fs::copy_file(tokenizers / "llm-jp/llm-jp-tokenizer-100k.ver3.0b1.model",
                  folder_.path() / "llm-jp/tokenizer.model");
  }

  static std::string unpacked(const fs::path& path) {
    InputFile file(path);
    std::string text;
    for (std::string_view rest = file.rest(); !rest.empty(); rest = file.rest()) {
      text += rest;
      file.skip(rest.size());
    }
    return text;
  }
  TokenizerSource tokenizer(const std::string& name) const {
    return tokenizer_source(name, folder_.path() / name);
  }

  fs::path data_;
  TempFolder folder_;
};

TEST_F(RealSets, AThousandOfLimaAreTheSameForEveryModelAndMachine) {
  DataConfig config;
  config.datasets = {(data_ / "sft/lima_1029.json").string()};
  config.samples = 1000;
  config.max_length = 4096;  // of the 1,029, 971 fit 2,048 tokens under all three
  config.layout = SFT_TEST_SOURCE_DIR "/configs/templates/question_answer.yaml";
  config.fits_tokenizers = {"olmo", "llm-jp", "qwen"};
  std::vector<std::string> hashes;
  for (const auto& [own, threads] :
       {std::pair{"olmo", 1}, std::pair{"llm-jp", 2}, std::pair{"qwen", 7}}) {
    PrepareOptions options;
    options.threads = threads;
    options.home = folder_.path() / own;
    options.find_tokenizer = [&](const std::string& name) { return tokenizer(name); };
    const PreparedSet set = find_or_prepare_set(config, tokenizer(own), options);
    EXPECT_TRUE(set.is_new);
    EXPECT_EQ(set.datasets.at(0).rows, 1029);
    EXPECT_EQ(set.datasets.at(0).sampled, 1000);
    EXPECT_EQ(set.lengths.size(), 3U);
    hashes.push_back(sha256_hex(read_whole_file(set.training())));
    RecordProperty("train_jsonl_sha256", hashes.back());
  }
  EXPECT_EQ(hashes[1], hashes[0]);
  EXPECT_EQ(hashes[2], hashes[0]);
}

TEST_F(RealSets, APlantedQuestionOfGsm8kIsFoundAndNoneIsClaimed) {
  OverlapIndex index;
  std::string planted;
  JsonlReader questions(data_ / "bench/gsm8k/test.jsonl");
  for (int i = 0; const auto row = questions.next(); ++i) {
    const auto text = json_member<std::string>(row->value, "question", row->where);
    index.add(text);
    planted = i == 700 ? text : planted;
  }
  index.finish();
  for (const char* const file :
       {"alpaca_small_2000.json", "alpaca_en_demo_999.json", "lima_1029.json",
        "code_alpaca_2k.json", "openmathinstruct1_100.jsonl", "openmathinstruct2_100.jsonl"}) {
    DatasetSpec spec = load_dataset_spec((data_ / "sft" / file).string());
    if (std::string(file).starts_with("openmath")) {
      spec.layout = FieldsLayout{.instruction = file[16] == '1' ? "question" : "problem",
                                 .input = {},
                                 .response = "generated_solution",
                                 .history = {}};
    }
    for (const Sample& sample : read_dataset(spec).samples) {
      for (const Turn& turn : sample.turns) {
        EXPECT_TRUE(index.find(turn.instruction + "\n" + turn.response).empty()) << sample.source;
      }
    }
  }
  const auto hits = index.find("Instruction: solve this.\n\n" + planted + "\nThink first.");
  ASSERT_EQ(hits.size(), 1U);
  EXPECT_EQ(hits[0].text, 700U);
  EXPECT_EQ(hits[0].coverage, 1);
}

}  // namespace
}  // namespace sft
