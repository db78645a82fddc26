#include "sft/hub/model_card.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/hub/licences.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Licence, IsFreeOnlyWhereKnownToBe) {
  for (const char* const text : {"apache-2.0", "MIT", "cc-by-4.0", "cc-by-sa-4.0", "odc-by"}) {
    EXPECT_TRUE(judge_licence(text).is_free) << text;
  }
  for (const char* const text : {"", "unknown", "other", "cc-by-nc-4.0", "cc-by-nd-4.0", "llama3.1",
                                 "gemma", "mine", "apache-2.0, less some files"}) {
    EXPECT_FALSE(judge_licence(text).is_free) << text;
    EXPECT_NE(judge_licence(text).reason, "") << text;
  }
  EXPECT_EQ(judge_licence("cc-by-nc-sa-4.0, stricter where a source is").id, "cc-by-nc-sa-4.0");
}

ModelCard card() {
  return {.repo = "me/tuned",
          .is_adapter = false,
          .base = {.name = "a/base", .hub_id = "a/base", .license = "apache-2.0", .note = ""},
          .datasets = {{.name = "rows", .hub_id = "b/rows", .license = "apache-2.0", .note = "5"}},
          .prompt = "Q: {instruction}\nA: {response}",
          .command = "sft train --config config.yaml",
          .config = "model: a/base\n",
          .facts = {"this checkpoint: epoch 2"},
          .scores = {{.task = "gsm8k",
                      .shots = 4,
                      .metric = "accuracy",
                      .score = 12.345,
                      .standard_error = 0.678,
                      .n = 1319,
                      .note = ""}},
          .sft_version = "0.1.0"};
}

TEST(ModelCard, BeginsWithWhatTheHubReads) {
  EXPECT_TRUE(card_markdown(card()).starts_with(
      "---\nlicense: apache-2.0\nbase_model: a/base\nbase_model_relation: finetune\n"
      "datasets:\n- b/rows\nlibrary_name: transformers\npipeline_tag: text-generation\n"
      "tags:\n- sft\n---\n"));
}

TEST(ModelCard, TellsScoresWithErrorsConfigAndCommand) {
  const std::string text = card_markdown(card());
  EXPECT_THAT(text, HasSubstr("| gsm8k | 4 | accuracy | 12.35 ± 0.68 | 1319 |"));
  EXPECT_THAT(text, HasSubstr("```yaml\nmodel: a/base\n```"));
  EXPECT_THAT(text, HasSubstr("```sh\nsft train --config config.yaml\n```"));
  EXPECT_THAT(text, HasSubstr("| a/base | apache-2.0 |"));
}

TEST(ModelCard, ObjectsWhereALicenceHasConditions) {
  EXPECT_THAT(licence_objections(card()), IsEmpty());
  ModelCard strict = card();
  strict.base.license = "";
  strict.datasets.front().license = "cc-by-nc-4.0";
  EXPECT_THAT(licence_objections(strict),
              ElementsAre("the licence of a/base is not known",
                          "the licence of b/rows (cc-by-nc-4.0) allows no commercial use"));
  EXPECT_THAT(card_markdown(strict), HasSubstr("license: other\n"));
}

TEST(ModelCard, KeepsTablesAndFencesWhole) {
  ModelCard odd = card();
  odd.datasets.front().note = "a|b\nc";
  odd.config = "x: |\n  ```\n";
  const std::string text = card_markdown(odd);
  EXPECT_THAT(text, HasSubstr("a\\|b  c |"));
  EXPECT_THAT(text, HasSubstr("````yaml\n"));
}

}  // namespace
}  // namespace sft
