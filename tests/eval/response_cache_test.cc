#include "sft/eval/response_cache.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "fake_language_model.h"
#include "temp_folder.h"

#include "sft/eval/cached_language_model.h"

namespace sft {
namespace {

GenerateRequest request_of(const std::string& prompt, int64_t max_new_tokens = 50) {
  GenerateRequest request;
  request.prompt_ids = ByteTokenizer().encode(prompt, SpecialTokens::kNone).ids;
  request.max_new_tokens = max_new_tokens;
  return request;
}

GenerateResult result_of(const std::string& text) {
  return {.token_ids = {1, 2, 3}, .text = text, .finish = FinishReason::kStop};
}

TEST(ResponseCache, RemembersAcrossProcesses) {
  const TempFolder folder;
  const std::string key = ResponseCache::key(request_of("a"));
  const ScoreRequest scored{.prompt_ids = {1}, .completion_ids = {2}};
  {
    ResponseCache cache(folder.path(), "model");
    EXPECT_FALSE(cache.find_generated(key));
    cache.add(key, result_of("\u3042\n\"x\""));
    cache.add(ResponseCache::key(scored),
              ScoreResult{.token_logprobs = {-0.1, -2}, .is_greedy = true});
    EXPECT_EQ(cache.find_generated(key)->text, "\u3042\n\"x\"");
  }
  const ResponseCache cache(folder.path(), "model");
  const std::optional<GenerateResult> found = cache.find_generated(key);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->text, "\u3042\n\"x\"");
  EXPECT_EQ(found->token_ids, (std::vector<int32_t>{1, 2, 3}));
  EXPECT_EQ(found->finish, FinishReason::kStop);
  EXPECT_EQ(cache.find_scored(ResponseCache::key(scored))->token_logprobs,
            (std::vector<double>{-0.1, -2}));
}

TEST(ResponseCache, ModelsShareNoRow) {
  const TempFolder folder;
  const std::string key = ResponseCache::key(request_of("a"));
  ResponseCache(folder.path(), "one").add(key, result_of("x"));
  EXPECT_FALSE(ResponseCache(folder.path(), "other").find_generated(key));
}

TEST(ResponseCache, EverySettingIsInTheKey) {
  const GenerateRequest base = request_of("a");
  std::vector<std::string> keys = {ResponseCache::key(base)};
  GenerateRequest other = base;
  other.max_new_tokens = 51;
  keys.push_back(ResponseCache::key(other));
  other = base;
  other.stops = {"\n"};
  keys.push_back(ResponseCache::key(other));
  other = base;
  other.prompt_ids.push_back(1);
  keys.push_back(ResponseCache::key(other));
  other = base;
  other.sampling.temperature = 1;
  keys.push_back(ResponseCache::key(other));
  other.seed_index = 7;
  keys.push_back(ResponseCache::key(other));
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), keys.size());
  other = base;
  other.seed_index = 7;  // of no consequence where nothing is drawn
  EXPECT_EQ(ResponseCache::key(other), keys[0]);
}

TEST(ResponseCache, PassesOverAHalfWrittenRow) {
  const TempFolder folder;
  const std::string first = ResponseCache::key(request_of("a"));
  const std::string torn = ResponseCache::key(request_of("b"));
  const std::string later = ResponseCache::key(request_of("c"));
  std::filesystem::path path;
  {
    ResponseCache cache(folder.path(), "model");
    cache.add(first, result_of("x"));
    path = cache.path();
  }
  std::ofstream(path, std::ios::app) << R"({"key": ")" + torn + R"(", "ids": [1)";
  {
    ResponseCache cache(folder.path(), "model");
    EXPECT_FALSE(cache.find_generated(torn));
    cache.add(later, result_of("y"));
  }
  ResponseCache cache(folder.path(), "model");
  EXPECT_EQ(cache.find_generated(first)->text, "x");
  EXPECT_FALSE(cache.find_generated(torn));
  EXPECT_EQ(cache.find_generated(later)->text, "y");
}

TEST(ResponseCache, SeesWhatAnotherRunAddedBefore) {
  const TempFolder folder;
  ResponseCache one(folder.path(), "model");
  ResponseCache other(folder.path(), "model");
  one.add("a" + std::string(63, '0'), result_of("x"));
  other.add("b" + std::string(63, '0'), result_of("y"));
  EXPECT_EQ(one.find_generated("a" + std::string(63, '0'))->text, "x");
  EXPECT_EQ(other.find_generated("b" + std::string(63, '0'))->text, "y");
}

FakeLanguageModel echo() {
  return {[](const std::string& prompt) { return "to " + prompt; }, 1000};
}

TEST(CachedLanguageModel, AsksOnceAndAnswersAll) {
  const TempFolder folder;
  ResponseCache cache(folder.path(), "model");
  const std::vector<GenerateRequest> requests = {request_of("a"), request_of("b"), request_of("a")};
  for (const size_t num_asked : {2, 0}) {
    FakeLanguageModel model = echo();
    std::vector<size_t> told;
    const std::vector<GenerateResult> results =
        CachedLanguageModel(model, cache)
            .generate(requests, [&told](size_t i, const GenerateResult&) { told.push_back(i); });
    EXPECT_EQ(model.seen.size(), num_asked);
    EXPECT_EQ(told.size(), 3);
    ASSERT_EQ(results.size(), 3);
    EXPECT_EQ(results[0].text, "to a");
    EXPECT_EQ(results[1].text, "to b");
    EXPECT_EQ(results[2].text, "to a");
    EXPECT_EQ(results[2].token_ids.size(), 5);
  }
}

TEST(CachedLanguageModel, ARunThatEndsEarlyLosesNothing) {
  const TempFolder folder;
  ResponseCache cache(folder.path(), "model");
  const std::vector<GenerateRequest> requests = {request_of("a"), request_of("b"), request_of("c")};
  FakeLanguageModel model = echo();
  const auto stop_at_second = [](size_t i, const GenerateResult& /*result*/) {
    if (i == 1) {
      throw std::runtime_error("stop");
    }
  };
  EXPECT_THROW(CachedLanguageModel(model, cache).generate(requests, stop_at_second),
               std::runtime_error);
  FakeLanguageModel again = echo();
  CachedLanguageModel(again, cache).generate(requests, {});
  EXPECT_EQ(again.seen.size(), 1);
}

TEST(CachedLanguageModel, RemembersLogprobs) {
  const TempFolder folder;
  ResponseCache cache(folder.path(), "model");
  const std::vector<ScoreRequest> requests = {{.prompt_ids = {65}, .completion_ids = {66}},
                                              {.prompt_ids = {65}, .completion_ids = {67}}};
  for (const size_t num_asked : {2, 0}) {
    FakeLanguageModel model = echo();
    model.logprob = [](const std::string& /*prompt*/, const std::string& completion) {
      return completion == "B" ? -0.123456789012345 : -2;
    };
    const std::vector<ScoreResult> results =
        CachedLanguageModel(model, cache).score(requests, [](size_t, const ScoreResult&) {});
    EXPECT_EQ(model.seen_scores.size(), num_asked);
    EXPECT_EQ(results[0].token_logprobs, std::vector<double>{-0.123456789012345});
  }
}

}  // namespace
}  // namespace sft
