// Which tokens of real samples are trained on, under real tokenizers of ../shared, against the
// tokenizers package and sentencepiece: values made by tests/reference/encode.py.
#include <cstdlib>

#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/data/dataset.h"
#include "sft/data/encoded_sample.h"
#include "sft/io/json.h"
#include "sft/io/sha256.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

const Template kQuestionAnswer = {.name = "question_answer",
                                  .turn = "###Question: {instruction}\n###Answer: {response}",
                                  .separator = "\n"};

// "12 7* 3*": ids, targets with a star; its digest as the script makes it.
std::string digest(const EncodedSample& sample) {
  std::vector<bool> is_target(sample.token_ids.size());
  for (const TokenSpan& span : sample.targets) {
    std::fill(is_target.begin() + span.begin, is_target.begin() + span.end, true);
  }
  std::string line;
  for (size_t i = 0; i < sample.token_ids.size(); ++i) {
    line += (i == 0 ? "" : " ") + std::to_string(sample.token_ids[i]) + (is_target[i] ? "*" : "");
  }
  return sha256_hex(line).substr(0, 12);
}

class RealTokenizer : public testing::Test {
 protected:
  void SetUp() override {
    if (shared_folder().empty()) {
      GTEST_SKIP() << "no ../shared beside the checkout";
    }
    data_ = fs::canonical(shared_folder()) / "data";
    folder_.write("tokenizer_config.json", R"({"eos_token": "<|endoftext|>"})");
  }

  // Both sets under the tokenizer that lies in folder_ by now.
  void expect_equal(const std::string& kind) {
    const std::unique_ptr<Tokenizer> tokenizer = load_tokenizer(folder_.path());
    const Json reference = read_json(SFT_TEST_SOURCE_DIR "/tests/reference/encode.json");
    for (const auto& [file, count] : {std::pair{"alpaca_small_2000.json", size_t{1000}},
                                      std::pair{"lima_1029.json", size_t{1029}}}) {
      SCOPED_TRACE(file);
      expect_equal(*tokenizer, file, count, reference.at(kind + " " + file));
    }
  }

  fs::path data_;
  TempFolder folder_;

 private:
  void expect_equal(const Tokenizer& tokenizer, const std::string& file, size_t count,
                    const Json& expected) {
    const Dataset dataset = read_dataset(load_dataset_spec((data_ / "sft" / file).string()));
    ASSERT_GE(dataset.samples.size(), count);
    const auto digests = expected.at("digests").get<std::vector<std::string>>();
    // The script leaves out the few samples that NFC changes: each digest is met in order.
    size_t next = 0;
    int64_t tokens = 0;
    int64_t targets = 0;
    for (size_t i = 0; i < count && next < digests.size(); ++i) {
      const EncodedSample encoded =
          encode_sample(dataset.samples[i], kQuestionAnswer, tokenizer, LossTarget::kResponse);
      if (digest(encoded) == digests[next]) {
        ++next;
        tokens += static_cast<int64_t>(encoded.token_ids.size());
        targets += encoded.num_targets();
      }
    }
    EXPECT_EQ(next, digests.size());
    EXPECT_EQ(tokens, expected.at("tokens").get<int64_t>());
    EXPECT_EQ(targets, expected.at("targets").get<int64_t>());
  }
};

TEST_F(RealTokenizer, OlmoTrainsOnTheSameTokens) {
  fs::copy_file(data_ / "tokenizers" / "olmo" / "allenai_gpt-neox-olmo-dolma-v1_5.json",
                folder_.path() / "tokenizer.json");
  expect_equal("olmo");
}

TEST_F(RealTokenizer, QwenTrainsOnTheSameTokens) {
  const std::string command = "gzip -dc '" +
                              (data_ / "tokenizers" / "qwen" / "qwen3_tokenizer.json.gz").string() +
                              "' > '" + (folder_.path() / "tokenizer.json").string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  expect_equal("qwen");
}

TEST_F(RealTokenizer, LlmJpTrainsOnTheSameTokens) {
  const fs::path tokenizers = data_ / "tokenizers" / "llm-jp";
  fs::copy_file(tokenizers / "llm-jp-tokenizer-100k.ver3.0b1.model",
                folder_.path() / "tokenizer.model");
  folder_.write("tokenizer_config.json",
                read_whole_file(tokenizers / "hf_ver3.0b2_tokenizer_config.json"));
  expect_equal("llm-jp");
}

}  // namespace
}  // namespace sft
