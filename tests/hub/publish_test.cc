#include "sft/hub/publish.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "fake_upload_hub.h"
#include "message_of.h"
#include "temp_folder.h"

namespace sft {
namespace {

using testing::HasSubstr;
using testing::Not;

class PublishTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("no_proxy", "127.0.0.1", 1);
    spdlog::set_level(spdlog::level::err);
    for (size_t i = 0; i < 100'000; ++i) {
      weights += static_cast<char>(i * 7919 % 251);
    }
    files = {{.name = "README.md", .path = {}, .text = "# card\n"},
             {.name = "config.json", .path = folder.write("config.json", "{}"), .text = {}},
             {.name = "model.safetensors",
              .path = folder.write("model.safetensors", weights),
              .text = {}},
             {.name = "empty.safetensors", .path = folder.write("empty", ""), .text = {}}};
    settings.endpoint = server.url();
    settings.token = FakeUploadHub::kToken;
    settings.is_quiet = true;
    settings.sleep = [](double) {};
  }
  PublishResult run(bool is_public = false) {
    CurlHttpClient http;
    return publish(files, {.repo = "me/model", .is_public = is_public, .summary = "Upload"},
                   settings, http, clock);
  }

  FakeUploadHub server;
  TempFolder folder;
  std::string weights;
  std::vector<PublishFile> files;
  HubSettings settings;
  SystemClock clock;
};

TEST_F(PublishTest, MakesOneCommitInAPrivateRepository) {
  const PublishResult result = run();
  EXPECT_TRUE(server.is_private.at("me/model"));
  EXPECT_TRUE(result.is_private);
  EXPECT_EQ(result.url, server.url() + "/me/model");
  EXPECT_EQ(result.commit, std::string(40, 'c'));
  ASSERT_EQ(server.commits.size(), 1);
  const FakeUploadHub::Commit& commit = server.commits.front();
  EXPECT_EQ(commit.small.at("README.md"), "IyBjYXJkCg==");
  EXPECT_EQ(commit.small.at("config.json"), "e30=");
  EXPECT_EQ(commit.small.at("empty.safetensors"), "");
  EXPECT_EQ(server.stored.at(commit.large.at("model.safetensors")), weights);
  EXPECT_EQ(server.num_verified, 1);
  EXPECT_FALSE(server.has_leaked);
}

TEST_F(PublishTest, SendsLargeFilesInParts) {
  server.part_bytes = 30'000;
  const PublishResult result = run();
  EXPECT_EQ(server.num_puts, 4);
  EXPECT_EQ(server.stored.at(server.commits.front().large.at("model.safetensors")), weights);
  EXPECT_EQ(result.uploaded_bytes, weights.size());
}

TEST_F(PublishTest, PassesOverWhatIsThereAlready) {
  run();
  const PublishResult again = run();
  EXPECT_EQ(server.num_puts, 1);
  EXPECT_EQ(again.present_bytes, weights.size());
  EXPECT_EQ(again.uploaded_bytes, 0);
}

TEST_F(PublishTest, ContinuesAfterItWasCut) {
  const std::string second(1000, 'x');
  files.push_back({.name = "second.safetensors", .path = folder.write("b", second), .text = {}});
  server.interfere_storage = [&](const ServedRequest& request) -> std::optional<ServedResponse> {
    return request.body == second ? std::optional(ServedResponse{.status = 403}) : std::nullopt;
  };
  EXPECT_THAT(message_of([&] { run(); }), HasSubstr("answers 403 to b"));
  EXPECT_TRUE(server.commits.empty());
  server.interfere_storage = {};
  run();
  EXPECT_EQ(server.num_puts, 2);
  EXPECT_EQ(server.commits.size(), 1);
}

TEST_F(PublishTest, TriesAPartAgain) {
  server.part_bytes = 30'000;
  int refusals = 0;
  server.interfere_storage = [&](const ServedRequest&) -> std::optional<ServedResponse> {
    return refusals++ < 3 ? std::optional(ServedResponse{.status = 500}) : std::nullopt;
  };
  run();
  EXPECT_EQ(server.stored.at(server.commits.front().large.at("model.safetensors")), weights);
}

TEST_F(PublishTest, NeverPublishesOpenlyUnasked) {
  server.makes_public = true;
  EXPECT_THAT(message_of([&] { run(); }), HasSubstr("is public, though a private one"));
  EXPECT_THAT(message_of([&] { run(); }), HasSubstr("is public; give --public"));
  EXPECT_TRUE(server.stored.empty());
  EXPECT_FALSE(run(/*is_public=*/true).is_private);
}

TEST_F(PublishTest, NeedsATokenThatMayWrite) {
  settings.token = "";
  EXPECT_THAT(message_of([&] { run(); }), HasSubstr("HF_TOKEN is not set"));
  settings.token = "hf_reader";
  const std::string message = message_of([&] { run(); });
  EXPECT_THAT(message, HasSubstr("HF_TOKEN must be a token that may write"));
  EXPECT_THAT(message, Not(HasSubstr("hf_reader")));  // though the server repeats it
}

}  // namespace
}  // namespace sft
