// The recipes of the study's datasets, on small files of our own in the layout of each release
// (tests/cases/recipes); expected.json there is written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temp_folder.h"

#include "sft/core/resources.h"
#include "sft/data/dataset.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

const fs::path kRecipes = SFT_TEST_SOURCE_DIR "/configs/datasets";
const fs::path kCases = SFT_TEST_SOURCE_DIR "/tests/cases/recipes";

// The files of a repository out of the cases' folder, as the hub would give them.
std::vector<DatasetFile> fetch_case(const fs::path& folder, const HubSource& source) {
  DatasetSpec spec;
  spec.path = folder / "";
  spec.files = source.files;
  return find_dataset_files(spec);
}

class Recipe : public testing::TestWithParam<const char*> {
 protected:
  DatasetSpec spec() const {
    return load_dataset_spec((kRecipes / (std::string(GetParam()) + ".yaml")).string());
  }
};

TEST_P(Recipe, MapsItsRelease) {
  const std::string name = GetParam();
  const Json expected = read_json(kCases / "expected.json").at(name);
  const fs::path folder = kCases / (name.starts_with("flan_") ? "flan" : name);
  const DatasetSpec spec = this->spec();
  ASSERT_TRUE(spec.hub);
  DatasetRows rows(spec, fetch_case(folder, *spec.hub));
  Json samples = Json::array();
  while (const auto row = rows.next()) {
    const auto mapped = map_dataset_row(spec, *row);
    if (const auto* const turns = std::get_if<std::vector<Turn>>(&mapped)) {
      Json sample = Json::array();
      for (const Turn& turn : *turns) {
        sample.push_back({turn.instruction, turn.response});
      }
      samples.push_back(std::move(sample));
    }
  }
  EXPECT_EQ(rows.rows(), expected.at("read").get<int64_t>());
  EXPECT_EQ(samples, expected.at("samples"));
}

TEST_P(Recipe, SaysWhereItComesFrom) {
  const DatasetSpec spec = this->spec();
  EXPECT_EQ(spec.name, GetParam());
  EXPECT_FALSE(spec.license.empty());
  EXPECT_FALSE(spec.source.empty());
  EXPECT_FALSE(spec.published_name.empty());
  EXPECT_GT(spec.mean_tokens, 0);
}

INSTANTIATE_TEST_SUITE_P(Study, Recipe,
                         testing::Values("alpaca", "lima", "ultrachat", "code_alpaca", "magicoder",
                                         "openmathinstruct", "mathinstruct", "flan_knowledge",
                                         "flan_reasoning", "flan_comprehension"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace sft
