// Real rows of ../shared/data/sft; row counts from its MANIFEST.md.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/data/dataset.h"

namespace sft {
namespace {

class RealDataset : public testing::Test {
 protected:
  void SetUp() override {
    if (shared_folder().empty()) {
      GTEST_SKIP() << "no ../shared beside the checkout";
    }
    folder_ = std::filesystem::canonical(shared_folder()) / "data" / "sft";
  }
  Dataset read(const std::string& file) const {
    return read_dataset(load_dataset_spec((folder_ / file).string()));
  }
  Dataset read_recipe(const std::string& file, const std::string& lines) const {
    const TempFolder temp;
    const auto path =
        temp.write("d.yaml", "files: ['" + (folder_ / file).string() + "']\n" + lines);
    return read_dataset(load_dataset_spec(path.string()));
  }

  std::filesystem::path folder_;
};

TEST_F(RealDataset, AlpacaDemoIsReadWhole) {
  const Dataset dataset = read("alpaca_en_demo_999.json");
  EXPECT_EQ(dataset.rows, 999);
  EXPECT_EQ(dataset.dropped.total(), 0);
  EXPECT_EQ(dataset.samples.at(0).turns[0].instruction, "Describe a process of making crepes.");
}

TEST_F(RealDataset, AlpacaJoinsItsInputs) {
  const Dataset dataset = read("alpaca_small_2000.json");
  EXPECT_EQ(dataset.rows, 2000);
  EXPECT_EQ(dataset.samples.at(0).turns[0].instruction,
            "Check if the following Facebook post is appropriate\n"
            "I think my boss is the meanest person ever.");
  EXPECT_EQ(dataset.samples.at(0).turns[0].response, "no");
}

TEST_F(RealDataset, CodeAlpacaHasTwoEmptyAnswers) {
  const Dataset dataset = read("code_alpaca_2k.json");
  EXPECT_EQ(dataset.rows, 2017);
  EXPECT_EQ(dataset.dropped.of(DropReason::kEmptyResponse), 2);
  EXPECT_EQ(dataset.samples.size(), 2015U);
}

TEST_F(RealDataset, EvolCodeAlpacaHasNoInputs) {
  EXPECT_EQ(read("evol_codealpaca_first1000.json").samples.size(), 1000U);
}

// The recipes of releases whose layout lies in ../shared, on those rows.
TEST_F(RealDataset, RecipesMapRealRows) {
  const auto first_of = [&](const char* recipe, const char* file) {
    DatasetSpec spec =
        load_dataset_spec(std::string(SFT_TEST_SOURCE_DIR "/configs/datasets/") + recipe + ".yaml");
    spec.hub.reset();
    spec.path = folder_ / "";
    spec.files = {file};
    return read_dataset(spec).samples.at(0).turns.at(0);
  };
  EXPECT_EQ(first_of("alpaca", "alpaca_small_2000.json").response, "no");
  EXPECT_EQ(first_of("code_alpaca", "code_alpaca_2k.json").instruction,
            "What are the distinct values from the given list?\ndataList = [3, 9, 3, 5, 7, 9, 5]");
  EXPECT_THAT(first_of("openmathinstruct", "openmathinstruct1_100.jsonl").instruction,
              testing::StartsWith("John is an eccentric millionaire."));
}

TEST_F(RealDataset, LimaHasConversations) {
  const Dataset dataset = read("lima_1029.json");
  EXPECT_EQ(dataset.samples.size(), 1029U);
  EXPECT_EQ(std::ranges::count_if(dataset.samples,
                                  [](const Sample& sample) { return sample.turns.size() > 1; }),
            29);
}

TEST_F(RealDataset, OpenMathKeepsWhatTheRuleSays) {
  // All 100 rows of the cut are correct; 21 were never executed.
  const std::string fields = "fields: {instruction: question, response: generated_solution}\n";
  const std::string file = "openmathinstruct1_100.jsonl";
  EXPECT_EQ(read_recipe(file, fields + "keep: {is_correct: [true]}\n").samples.size(), 100U);
  const Dataset dataset = read_recipe(file, fields + "keep: {error_message: ['']}\n");
  EXPECT_EQ(dataset.rows, 100);
  EXPECT_EQ(dataset.samples.size(), 79U);
  EXPECT_EQ(dataset.dropped.of(DropReason::kKeepRule), 21);
}

TEST_F(RealDataset, OpenMath2IsReadWhole) {
  EXPECT_EQ(read_recipe("openmathinstruct2_100.jsonl",
                        "fields: {instruction: problem, response: generated_solution}\n")
                .samples.size(),
            100U);
}

}  // namespace
}  // namespace sft
