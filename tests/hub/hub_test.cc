#include "sft/hub/hub.h"

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include "fake_hub.h"
#include "hub/file_lock.h"
#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kModel = "models/acme/tiny";
constexpr const char* kDataset = "datasets/acme/rows";
constexpr const char* kToken = "hf_secret";

std::string large_bytes(size_t size, char seed) {
  std::string bytes(size, '\0');
  uint32_t state = static_cast<unsigned char>(seed);
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

class HubTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("no_proxy", "127.0.0.1", 1);
    spdlog::set_level(spdlog::level::err);
    server.repos[kModel].files = {
        {"config.json", {"{}"}},
        {"tokenizer.json", {"{\"model\": 1}"}},
        {"tokenizer_config.json", {""}},
        {"README.md", {"not wanted"}},
        {"pytorch_model.bin", {"not wanted", true}},
        {"onnx/model.safetensors", {"not wanted", true}},
        {"model.safetensors.index.json",
         {R"({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})"}},
        {"model-1.safetensors", {large_bytes(300'000, 'a'), true}},
        {"model-2.safetensors", {large_bytes(200'000, 'b'), true}}};
    server.repos[kDataset].files = {{"data/train-1.jsonl", {large_bytes(1000, 'c')}},
                                    {"data/train-2.jsonl", {large_bytes(1000, 'd')}},
                                    {"data/more/train-3.jsonl", {"not matched"}},
                                    {"train.jsonl", {"{}\n"}}};
  }

  HubSettings settings() {
    HubSettings settings;
    settings.cache = cache.path() / "hub";
    settings.endpoint = server.url();
    settings.is_quiet = true;
    settings.sleep = [this](double seconds) { pauses.push_back(seconds); };
    return settings;
  }
  HubSnapshot fetch(const HubWant& want, HubSettings with) {
    CurlHttpClient http;
    return Hub(std::move(with), http, clock).fetch(want);
  }
  HubSnapshot fetch(const HubWant& want) { return fetch(want, settings()); }
  HubSnapshot fetch_model() { return fetch(model_want({.repo = "acme/tiny"})); }

  void expect_model(const HubSnapshot& snapshot) {
    std::set<std::string> names;
    for (const HubFile& file : snapshot.files) {
      names.insert(file.name);
      EXPECT_EQ(read_whole_file(file.path), server.repos[kModel].files[file.name].bytes);
    }
    EXPECT_EQ(names, (std::set<std::string>{"config.json", "tokenizer.json",
                                            "tokenizer_config.json", "model.safetensors.index.json",
                                            "model-1.safetensors", "model-2.safetensors"}));
  }
  fs::path repo() const { return cache.path() / "hub" / "models--acme--tiny"; }

  FakeHub server;
  TempFolder cache;
  SystemClock clock;
  std::vector<double> pauses;
};

TEST_F(HubTest, FetchesWhatAModelNeedsAndNoMore) {
  const HubSnapshot snapshot = fetch_model();
  expect_model(snapshot);
  EXPECT_FALSE(fs::exists(snapshot.folder / "README.md"));
  EXPECT_EQ(server.count("GET", "pytorch_model"), 0);
}

TEST_F(HubTest, LaysTheCacheOutAsHuggingfaceHubDoes) {
  const HubSnapshot snapshot = fetch_model();
  const std::string commit = server.repos[kModel].commit;
  EXPECT_EQ(snapshot.folder, repo() / "snapshots" / commit);
  EXPECT_EQ(read_whole_file(repo() / "refs" / "main"), commit);
  const std::string sha256 = FakeHub::etag(server.repos[kModel].files["model-1.safetensors"]);
  EXPECT_EQ(fs::read_symlink(snapshot.folder / "model-1.safetensors"),
            fs::path("../../blobs") / sha256);
  EXPECT_EQ(fs::read_symlink(snapshot.folder / "config.json"),
            fs::path("../../blobs") / FakeHub::etag(server.repos[kModel].files["config.json"]));
  EXPECT_TRUE(
      fs::exists(cache.path() / "hub" / ".locks" / "models--acme--tiny" / (sha256 + ".lock")));
}

TEST_F(HubTest, AsksNobodyForWhatIsThere) {
  fetch_model();
  const size_t requests = server.log().size();
  expect_model(fetch_model());
  EXPECT_EQ(server.log().size(), requests);
}

TEST_F(HubTest, TakesASnapshotThatNobodyListed) {
  const HubSnapshot snapshot = fetch_model();
  fs::remove_all(repo() / "sft");
  const size_t requests = server.log().size();
  expect_model(fetch_model());
  EXPECT_EQ(server.log().size(), requests);
  fs::remove(snapshot.folder / "model-2.safetensors");
  expect_model(fetch_model());
  EXPECT_GT(server.log().size(), requests);
}

TEST_F(HubTest, FetchesATokenizerAlone) {
  const HubSnapshot snapshot = fetch(tokenizer_want({.repo = "acme/tiny"}));
  EXPECT_TRUE(fs::exists(snapshot.folder / "tokenizer.json"));
  EXPECT_EQ(server.count("GET", "safetensors"), 0);
}

TEST_F(HubTest, FetchesDatasetFilesByNameAndPattern) {
  const HubSnapshot snapshot =
      fetch(dataset_want({.repo = "acme/rows"}, {"train.jsonl", "data/train-*.jsonl"}));
  ASSERT_EQ(snapshot.files.size(), 3);
  EXPECT_EQ(snapshot.files[0].name, "train.jsonl");
  EXPECT_EQ(snapshot.files[1].name, "data/train-1.jsonl");
  EXPECT_EQ(read_whole_file(snapshot.files[2].path),
            server.repos[kDataset].files["data/train-2.jsonl"].bytes);
  EXPECT_EQ(snapshot.folder.parent_path().parent_path().filename(), "datasets--acme--rows");
}

TEST_F(HubTest, TakesARevision) {
  server.revisions["v1/old"] = "";
  const HubSnapshot snapshot = fetch(model_want({.repo = "acme/tiny", .revision = "v1/old"}));
  EXPECT_EQ(read_whole_file(repo() / "refs" / "v1" / "old"), snapshot.commit);
  fs::remove_all(repo() / "refs");
  const size_t requests = server.log().size();
  fetch(model_want({.repo = "acme/tiny", .revision = snapshot.commit}));
  EXPECT_EQ(server.log().size(), requests);
}

TEST_F(HubTest, SendsTheTokenToNoOtherHost) {
  server.repos[kModel].needs_token = kToken;
  HubSettings with_token = settings();
  with_token.token = kToken;
  expect_model(fetch(model_want({.repo = "acme/tiny"}), with_token));
  size_t from_storage = 0;
  for (const FakeHub::Logged& entry : server.log()) {
    const bool is_hub = entry.where == "hub";
    from_storage += is_hub ? 0 : 1;
    EXPECT_EQ(entry.request.header("authorization"), is_hub ? "Bearer hf_secret" : "");
  }
  EXPECT_EQ(from_storage, 2);
}

TEST_F(HubTest, ExplainsAGatedRepository) {
  server.repos[kModel].needs_token = kToken;
  const std::string without = message_of([&] { fetch_model(); });
  EXPECT_THAT(without, HasSubstr("acme/tiny: gated; accept its terms at " + server.url()));
  EXPECT_THAT(without, HasSubstr("set HF_TOKEN"));
  HubSettings with_other = settings();
  with_other.token = "hf_other";
  const std::string with =
      message_of([&] { fetch(model_want({.repo = "acme/tiny"}), with_other); });
  EXPECT_THAT(with, HasSubstr("HF_TOKEN is set, but"));
  EXPECT_THAT(with, Not(HasSubstr("hf_other")));
}

TEST_F(HubTest, ExplainsWhatIsNotThere) {
  EXPECT_THAT(message_of([&] { fetch(model_want({.repo = "acme/none"})); }),
              HasSubstr("model acme/none: no such model at " + server.url() + "/acme/none"));
  EXPECT_THAT(message_of([&] { fetch(model_want({.repo = "acme/tiny", .revision = "v9"})); }),
              HasSubstr("no revision 'v9'"));
  EXPECT_THAT(message_of([&] { fetch(dataset_want({.repo = "acme/rows"}, {"test.jsonl"})); }),
              HasSubstr("holds no file 'test.jsonl'"));
  server.repos[kModel].files.erase("model.safetensors.index.json");
  EXPECT_THAT(message_of([&] { fetch_model(); }), HasSubstr("only pickled ones"));
}

TEST_F(HubTest, SaysAllThatIsMissingAtOnceWhenOffline) {
  HubSettings offline = settings();
  offline.is_offline = true;
  CurlHttpClient http;
  Hub hub(offline, http, clock);
  const std::string message = message_of([&] {
    hub.fetch({model_want({.repo = "acme/tiny"}),
               dataset_want({.repo = "acme/rows"}, {"train.jsonl"}, "3 rows, 2.9 MB")});
  });
  EXPECT_THAT(message, HasSubstr("model acme/tiny (config.json, "));
  EXPECT_THAT(message, HasSubstr("dataset acme/rows (train.jsonl; 3 rows, 2.9 MB)"));
  EXPECT_THAT(message, HasSubstr("HF_HUB_OFFLINE"));
  EXPECT_THAT(message, HasSubstr("hf download --repo-type dataset acme/rows train.jsonl"));
  EXPECT_TRUE(server.log().empty());
  EXPECT_FALSE(fs::exists(offline.cache));
}

TEST_F(HubTest, KnowsTheSizesOfWhatWasListedBefore) {
  const HubSnapshot snapshot = fetch_model();
  fs::remove(snapshot.folder / "model-1.safetensors");
  HubSettings offline = settings();
  offline.is_offline = true;
  EXPECT_THAT(message_of([&] { fetch(model_want({.repo = "acme/tiny"}), offline); }),
              HasSubstr("model acme/tiny (model-1.safetensors; 300 kB)"));
}

TEST_F(HubTest, SaysWhatIsMissingWhenTheHubIsAway) {
  HubSettings away = settings();
  away.endpoint = "http://127.0.0.1:1";
  EXPECT_THAT(message_of([&] { fetch(model_want({.repo = "acme/tiny"}), away); }),
              HasSubstr("the hub cannot be reached (http://127.0.0.1:1: "));
  EXPECT_TRUE(pauses.empty());
}

TEST_F(HubTest, ContinuesACutTransferByRange) {
  int cuts = 0;
  server.spoil = [&](const ServedRequest& request, ServedResponse& response) {
    if (request.method == "GET" && response.body.size() > 50'000 && cuts < 5) {
      ++cuts;
      response.cut_after = 40'000;
    }
  };
  expect_model(fetch_model());
  EXPECT_EQ(cuts, 5);
  std::vector<std::string> ranges;
  for (const FakeHub::Logged& entry : server.log()) {
    if (entry.where == "storage" && entry.request.target.ends_with("model-1.safetensors")) {
      ranges.push_back(entry.request.header("range"));
    }
  }
  EXPECT_THAT(ranges, testing::ElementsAre("", "bytes=40000-", "bytes=80000-", "bytes=120000-",
                                           "bytes=160000-", "bytes=200000-"));
}

TEST_F(HubTest, ContinuesWhatAnotherProcessLeft) {
  const FakeHub::File& file = server.repos[kModel].files["model-1.safetensors"];
  fs::create_directories(repo() / "blobs");
  cache.write("hub/models--acme--tiny/blobs/" + FakeHub::etag(file) + ".incomplete",
              file.bytes.substr(0, 123'456));
  expect_model(fetch_model());
  bool has_continued = false;
  for (const FakeHub::Logged& entry : server.log()) {
    has_continued |= entry.request.header("range") == "bytes=123456-";
  }
  EXPECT_TRUE(has_continued);
}

TEST_F(HubTest, BeginsAnewWhereWhatWasLeftIsNotItsBeginning) {
  const FakeHub::File& file = server.repos[kModel].files["model-1.safetensors"];
  for (const size_t size : {1000, 300'000, 400'000}) {
    fs::remove_all(cache.path() / "hub");
    cache.write("hub/models--acme--tiny/blobs/" + FakeHub::etag(file) + ".incomplete",
                std::string(size, 'x'));
    expect_model(fetch_model());
  }
}

TEST_F(HubTest, TakesAServerWithoutRange) {
  const FakeHub::File& file = server.repos[kModel].files["model-1.safetensors"];
  cache.write("hub/models--acme--tiny/blobs/" + FakeHub::etag(file) + ".incomplete",
              file.bytes.substr(0, 1000));
  server.spoil = [&](const ServedRequest& request, ServedResponse& response) {
    if (response.status == 206) {
      response = {.body = request.target.ends_with("model-1.safetensors") ? file.bytes : ""};
    }
  };
  expect_model(fetch_model());
}

TEST_F(HubTest, RefusesBytesWithAnotherHash) {
  server.spoil = [](const ServedRequest& request, ServedResponse& response) {
    if (request.method == "GET" && request.target.ends_with("model-2.safetensors")) {
      response.body[1234] ^= 1;
    }
  };
  EXPECT_THAT(message_of([&] { fetch_model(); }), HasSubstr("do not have the hash"));
  EXPECT_EQ(server.count("GET", "/-/model-2.safetensors"), 2);
  EXPECT_FALSE(fs::exists(repo() / "refs" / "main"));
  server.spoil = {};
  expect_model(fetch_model());
}

TEST_F(HubTest, ChecksSmallFilesByGitsHash) {
  server.spoil = [](const ServedRequest& request, ServedResponse& response) {
    if (request.method == "GET" && request.target.ends_with("/tokenizer.json")) {
      response.body[1] = 'X';
    }
  };
  EXPECT_THAT(message_of([&] { fetch_model(); }), HasSubstr("do not have the hash"));
}

TEST_F(HubTest, WaitsAsLongAsTheHubAsks) {
  int refusals = 0;
  server.interfere = [&](const std::string& where,
                         const ServedRequest&) -> std::optional<ServedResponse> {
    if (where == "hub" && refusals < 3) {
      ++refusals;
      return refusals == 1 ? ServedResponse{.status = 429, .headers = {{"Retry-After", "17"}}}
             : refusals == 2
                 ? ServedResponse{.status = 429, .headers = {{"RateLimit", "\"api\";r=0;t=55"}}}
                 : ServedResponse{.status = 503};
    }
    return std::nullopt;
  };
  expect_model(fetch_model());
  EXPECT_THAT(pauses, testing::ElementsAre(17, 55, 4));
}

TEST_F(HubTest, GivesUpOnAHubThatStaysDown) {
  server.interfere = [](const std::string&, const ServedRequest&) {
    return std::optional(ServedResponse{.status = 503});
  };
  EXPECT_THAT(message_of([&] { fetch_model(); }), HasSubstr("answers 503"));
  EXPECT_THAT(pauses, testing::ElementsAre(1, 2, 4, 8, 16));
}

TEST_F(HubTest, TriesAgainWhenTheStorageIsDown) {
  int refusals = 0;
  server.interfere = [&](const std::string& where,
                         const ServedRequest&) -> std::optional<ServedResponse> {
    return where == "storage" && refusals++ < 2 ? std::optional(ServedResponse{.status = 500})
                                                : std::nullopt;
  };
  expect_model(fetch_model());
  EXPECT_THAT(pauses, testing::ElementsAre(1, 2));
}

TEST_F(HubTest, FollowsNoNamesOutOfTheCache) {
  server.repos[kDataset].files = {{"../../evil.jsonl", {"x"}}, {"/etc/evil.jsonl", {"x"}}};
  EXPECT_THAT(message_of([&] { fetch(dataset_want({.repo = "acme/rows"}, {"*"})); }),
              HasSubstr("holds no file"));
  server.repos[kModel].files["model.safetensors.index.json"] = {
      R"({"weight_map": {"a": "../../../evil.safetensors"}})"};
  EXPECT_THAT(message_of([&] { fetch_model(); }), HasSubstr("is in no file of this folder"));
  server.interfere = [](const std::string&,
                        const ServedRequest& request) -> std::optional<ServedResponse> {
    if (request.method == "HEAD") {
      return ServedResponse{.headers = {{"ETag", "\"../../evil\""}}};
    }
    return std::nullopt;
  };
  server.repos[kDataset].files = {{"train.jsonl", {"x"}}};
  EXPECT_THAT(message_of([&] { fetch(dataset_want({.repo = "acme/rows"}, {"*"})); }),
              HasSubstr("no ETag to name the file by"));
}

TEST_F(HubTest, EndsRedirectsThatGoInCircles) {
  server.interfere = [](const std::string&, const ServedRequest& request) {
    return std::optional(ServedResponse{.status = 302, .headers = {{"Location", request.target}}});
  };
  EXPECT_THAT(message_of([&] { fetch_model(); }), HasSubstr("redirects without end"));
}

TEST_F(HubTest, SaysWhatToDoWhereNothingCanBeWritten) {
  const rlimit full = {.rlim_cur = 100'000, .rlim_max = RLIM_INFINITY};
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &full);
  const std::string message = message_of([&] { fetch_model(); });
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_THAT(message, HasSubstr(".incomplete: cannot write"));
  expect_model(fetch_model());  // and continues
  bool has_continued = false;
  for (const FakeHub::Logged& entry : server.log()) {
    has_continued |= entry.request.header("range") == "bytes=100000-";
  }
  EXPECT_TRUE(has_continued);
}

TEST_F(HubTest, SaysWhenTheDiskIsTooSmall) {
  server.interfere = [](const std::string&,
                        const ServedRequest& request) -> std::optional<ServedResponse> {
    if (request.method == "HEAD" && request.target.ends_with("model-1.safetensors")) {
      return ServedResponse{.headers = {{"X-Linked-Etag", std::string(64, 'a')},
                                        {"X-Linked-Size", "90000000000000000"}}};
    }
    return std::nullopt;
  };
  const std::string message = message_of([&] { fetch_model(); });
  EXPECT_THAT(message, HasSubstr("needs 90 PB more"));
  EXPECT_THAT(message, HasSubstr("HF_HUB_CACHE"));
  EXPECT_EQ(server.count("GET", "model-1.safetensors"), 0);
}

TEST_F(HubTest, DownloadsOnceForManyAtATime) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      HubSettings waiting = settings();
      waiting.sleep = sleep_seconds;
      expect_model(fetch(model_want({.repo = "acme/tiny"}), waiting));
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(server.count("GET", "/-/model-1.safetensors"), 1);
  EXPECT_EQ(server.count("GET", "/-/model-2.safetensors"), 1);
}

TEST(FileLock, WaitsForTheOther) {
  const TempFolder folder;
  const fs::path path = folder.path() / "a" / "b.lock";
  auto first = std::make_unique<FileLock>(path, [] {});
  int waits = 0;
  const FileLock second(path, [&] {
    ++waits;
    first.reset();
  });
  EXPECT_EQ(waits, 1);
}

TEST(FileLock, IsNotFooledByAFileThatWasRemoved) {
  const TempFolder folder;
  const fs::path path = folder.path() / "b.lock";
  auto first = std::make_unique<FileLock>(path, [] {});
  const FileLock second(path, [&] {
    fs::remove(path);
    first.reset();
  });
  int waits = 0;
  auto third = std::thread([&] {
    EXPECT_TRUE(fs::exists(path));  // the second made it anew
  });
  third.join();
  EXPECT_EQ(waits, 0);
}

}  // namespace
}  // namespace sft
