// Processes that are killed while they download, and processes that download at the same time.

#include <atomic>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake_hub.h"
#include "temp_folder.h"

#include "sft/hub/hub.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSocketBytes = 200'000;

class KilledDownload : public testing::Test {
 protected:
  void SetUp() override {
    setenv("no_proxy", "127.0.0.1", 1);
    spdlog::set_level(spdlog::level::err);
    for (size_t i = 0; i < 4'000'000; ++i) {
      bytes += static_cast<char>(i * 7919 % 251);
    }
    sha256 = sha256_hex(bytes);
    server.repos["models/acme/tiny"].files = {{"config.json", {"{}"}},
                                              {"tokenizer.json", {"{}"}},
                                              {"model.safetensors", {bytes, /*is_large=*/true}}};
  }

  // A process of its own that fetches the model; its exit code is 0 where it succeeds.
  pid_t start() const {
    const pid_t child = fork();
    if (child != 0) {
      return child;
    }
    int code = 1;
    try {
      HubSettings settings;
      settings.cache = cache.path();
      settings.endpoint = server.url();
      settings.is_quiet = true;
      CurlHttpClient http;
      const SystemClock clock;
      Hub(settings, http, clock).fetch(model_want({.repo = "acme/tiny", .revision = "main"}));
      code = 0;
    } catch (const std::exception& error) {
      fprintf(stderr, "%s\n", error.what());
    }
    _exit(code);
  }
  static int wait(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  size_t num_written() const {
    std::error_code error;
    const uintmax_t size = fs::file_size(repo() / "blobs" / (sha256 + ".incomplete"), error);
    return error ? 0 : size;
  }
  fs::path repo() const { return cache.path() / "models--acme--tiny"; }

  FakeHub server;
  TempFolder cache;
  std::string bytes;
  std::string sha256;
};

TEST_F(KilledDownload, ContinuesAndEndsWhole) {
  std::atomic<pid_t> child = 0;
  std::atomic<size_t> kill_at = 0;  // bytes of the file, from its beginning
  server.spoil = [&](const ServedRequest& request, ServedResponse& response) {
    if (request.method == "GET" && response.body.size() > 1000) {
      const size_t begin = bytes.size() - response.body.size();
      response.on_sent = [&, begin](size_t sent) {
        // What the sockets hold is lost with the process, so the server stays near its pace.
        while (kill_at > 0 && num_written() + kSocketBytes < begin + sent) {
          std::this_thread::yield();
        }
        if (kill_at > 0 && begin + sent >= kill_at) {
          kill_at = 0;
          kill(child, SIGKILL);
        }
      };
    }
  };
  for (int moment = 1; moment <= 10; ++moment) {
    kill_at = bytes.size() * static_cast<size_t>(moment) / 11;
    child = start();
    EXPECT_EQ(wait(child), 128 + SIGKILL) << moment;
    EXPECT_FALSE(fs::exists(repo() / "refs" / "main"));
    for (const auto& entry : fs::recursive_directory_iterator(cache.path())) {
      EXPECT_NE(entry.path().filename(), "model.safetensors");
    }
  }
  EXPECT_EQ(wait(start()), 0);
  const fs::path file =
      repo() / "snapshots" / server.repos["models/acme/tiny"].commit / "model.safetensors";
  EXPECT_EQ(read_whole_file(file), bytes);
  for (const auto& entry : fs::recursive_directory_iterator(cache.path())) {
    EXPECT_NE(entry.path().extension(), ".incomplete");
  }
  size_t continued = 0;
  for (const FakeHub::Logged& entry : server.log()) {
    continued += entry.request.header("range").empty() ? 0 : 1;
  }
  EXPECT_GE(continued, 9);
}

TEST_F(KilledDownload, TwoProcessesDownloadOnce) {
  const std::vector<pid_t> children = {start(), start(), start()};
  for (const pid_t child : children) {
    EXPECT_EQ(wait(child), 0);
  }
  EXPECT_EQ(server.count("GET", "/-/model.safetensors"), 1);
  EXPECT_EQ(server.count("GET", "/resolve/" + server.repos["models/acme/tiny"].commit +
                                    "/model.safetensors"),
            1);
}

}  // namespace
}  // namespace sft
