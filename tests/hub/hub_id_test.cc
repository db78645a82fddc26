#include "sft/hub/hub_id.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sft {
namespace {

TEST(HubId, ReadsOwnerNameAndRevision) {
  EXPECT_EQ(parse_hub_id("allenai/OLMo-7B-hf")->repo, "allenai/OLMo-7B-hf");
  EXPECT_EQ(parse_hub_id("allenai/OLMo-7B-hf")->revision, "main");
  EXPECT_EQ(parse_hub_id("a/b@refs/pr/1")->revision, "refs/pr/1");
  EXPECT_EQ(parse_hub_id("a/b_2.5@v1.0")->text(), "a/b_2.5@v1.0");
  EXPECT_EQ(parse_hub_id("a/b@main")->text(), "a/b");
}

TEST(HubId, TakesNothingElse) {
  const std::vector<std::string> others = {
      "",       "a",        "a/",       "/a/b",   "a/b/c",      "./a/b",
      "../a",   "a/..",     "a/b--c",   "a/-b",   "a/b.",       "a/b c",
      "a/b\n",  "a/b@",     "a/b@../x", "a/b@/x", "a/b@x/",     "a/b@x//y",
      "a/b@.x", "a/b@x/.y", "~/b",      "a\\b",   "a/\xc3\xa9", "a/" + std::string(97, 'b')};
  for (const std::string& text : others) {
    EXPECT_FALSE(parse_hub_id(text).has_value()) << text;
  }
}

TEST(HubId, KnowsACommitFromABranch) {
  EXPECT_TRUE(is_commit(std::string(40, 'a')));
  EXPECT_FALSE(is_commit(std::string(39, 'a')));
  EXPECT_FALSE(is_commit(std::string(40, 'g')));
}

}  // namespace
}  // namespace sft
