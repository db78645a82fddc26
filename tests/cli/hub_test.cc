// Models and datasets by name, and publishing, through the binary, against a hub of our own.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_hub.h"
#include "fake_upload_hub.h"
#include "workplace.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class HubCommands : public Workplace {
 protected:
  void SetUp() override {
    Workplace::SetUp();
    setenv("no_proxy", "127.0.0.1", 1);
    setenv("HF_ENDPOINT", server.url().c_str(), 1);
    setenv("HF_HUB_CACHE", path("cache").c_str(), 1);
    for (const char* const name : {"HF_TOKEN", "HF_HUB_OFFLINE"}) {
      unsetenv(name);
    }
    add_model("acme/tiny");
  }
  void add_model(const std::string& repo) {
    for (const auto& [name, bytes] : files_of("model")) {
      server.repos["models/" + repo].files[name] = {bytes, name.ends_with(".safetensors")};
    }
  }
  // Rows in LIMA's layout: the user's and the assistant's texts in turn.
  void add_lima(int rows) {
    std::string lines;
    for (int i = 0; i < rows; ++i) {
      const std::string n = std::to_string(i);
      lines += R"({"conversations": ["What comes after )" + n + R"(?", "It is )" +
               std::to_string(i + 1) + R"("], "source": "test"})" + "\n";
    }
    server.repos["datasets/GAIR/lima"].files["train.jsonl"] = {lines};
  }
  static std::vector<std::string> lima(const std::string& config) {
    return {"train", "--config", config, "--quiet", "--set", "train.epochs=1", "--output", "run"};
  }

  FakeHub server;
};

TEST_F(HubCommands, TakeAModelByName) {
  const std::vector<std::string> local = {"generate", "--ckpt",  "model",   "--prompt",
                                          "The",      "--dtype", "float32", "--max-new-tokens",
                                          "5"};
  std::vector<std::string> named = local;
  named[2] = "acme/tiny";
  const BinaryResult result = sft(named);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, sft(local).out);
  const size_t requests = server.log().size();
  named.emplace_back("--offline");
  EXPECT_EQ(sft(named).out, result.out);
  EXPECT_EQ(server.log().size(), requests);
}

TEST_F(HubCommands, TakeATokenizerByNameWithoutItsModel) {
  const BinaryResult result = sft({"tokenize", "--ckpt", "acme/tiny", "--text", "The"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(server.count("GET", "safetensors"), 0);
}

TEST_F(HubCommands, PreferAFolderOfThatName) {
  fs::create_directories(path("acme"));
  fs::rename(path("model"), path("acme/tiny"));
  EXPECT_EQ(sft({"tokenize", "--ckpt", "acme/tiny", "--text", "The"}).exit_code, 0);
  EXPECT_TRUE(server.log().empty());
}

TEST_F(HubCommands, SayWhatANameIsNot) {
  const BinaryResult plain = sft({"tokenize", "--ckpt", "modle", "--text", "The"});
  EXPECT_EQ(plain.exit_code, 1);
  EXPECT_THAT(plain.err, HasSubstr("modle: no such folder"));
  const BinaryResult named = sft({"tokenize", "--ckpt", "acme/none", "--text", "The"});
  EXPECT_EQ(named.exit_code, 1);
  EXPECT_THAT(named.err, HasSubstr("acme/none: no such folder here; model acme/none: no such model "
                                   "at " +
                                   server.url() + "/acme/none"));
  setenv("HF_ENDPOINT", "nonsense", 1);
  const BinaryResult endpoint = sft({"tokenize", "--ckpt", "acme/none", "--text", "The"});
  EXPECT_EQ(endpoint.exit_code, 2);
  EXPECT_THAT(endpoint.err, HasSubstr("HF_ENDPOINT"));
}

TEST_F(HubCommands, NeverPrintTheToken) {
  server.repos["models/acme/tiny"].needs_token = "hf_right";
  setenv("HF_TOKEN", "hf_wrong", 1);
  const BinaryResult result =
      sft({"tokenize", "--ckpt", "acme/tiny", "--text", "The", "--verbose"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("HF_TOKEN"));
  EXPECT_THAT(result.out + result.err, Not(HasSubstr("hf_wrong")));
}

TEST_F(HubCommands, TrainOnLimaUnderItsRealName) {
  for (const char* const repo : {"allenai/OLMo-7B-hf", "llm-jp/llm-jp-3-7.2b", "Qwen/Qwen2.5-7B"}) {
    add_model(repo);
  }
  add_lima(1030);
  for (const char* const config :
       {"olmo_lima_1k.yaml", "llmjp_lima_1k.yaml", "qwen_lima_1k.yaml"}) {
    const BinaryResult result = sft(lima(config));
    EXPECT_EQ(result.exit_code, 0) << config << result.err;
    EXPECT_EQ(json_lines(read_whole_file(path("run/metrics.jsonl"))).size(), 32) << config;
    const Json origin = Json::parse(read_whole_file(path("run/epoch-1/sft.json")));
    EXPECT_THAT(origin["base"]["name"].get<std::string>(), HasSubstr("/"));
    fs::remove_all(path("run"));
  }
  EXPECT_EQ(server.count("GET", "OLMo-7B-hf/-/model.safetensors"), 1);
  EXPECT_EQ(server.count("GET", "lima/resolve/" + std::string(39, 'a') + "1/train.jsonl"), 1);
}

TEST_F(HubCommands, SayAllThatIsMissingForLima) {
  std::vector<std::string> offline = lima("olmo_lima_1k.yaml");
  offline.emplace_back("--offline");
  const BinaryResult result = sft(offline);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("model allenai/OLMo-7B-hf (config.json, "));
  EXPECT_THAT(result.err, HasSubstr("27.6 GB)"));
  EXPECT_THAT(result.err, HasSubstr("tokenizer of llm-jp/llm-jp-3-7.2b ("));
  EXPECT_THAT(result.err, HasSubstr("tokenizer of Qwen/Qwen2.5-7B ("));
  EXPECT_THAT(result.err, HasSubstr("dataset GAIR/lima (train.jsonl; "));
  EXPECT_THAT(result.err, HasSubstr("1,030 rows, 3 MB"));
  EXPECT_THAT(result.err, HasSubstr("hf download allenai/OLMo-7B-hf"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
  EXPECT_TRUE(server.log().empty());
  EXPECT_FALSE(fs::exists(path("run")));
}

class PublishCommand : public Workplace {
 protected:
  void SetUp() override {
    Workplace::SetUp();
    setenv("no_proxy", "127.0.0.1", 1);
    setenv("HF_ENDPOINT", server.url().c_str(), 1);
    setenv("HF_TOKEN", FakeUploadHub::kToken, 1);
    unsetenv("HF_HUB_OFFLINE");
    folder.write("model/README.md", "---\nlicense: apache-2.0\n---\n");
    folder.write("rows.yaml", "name: rows\nfiles: [rows.jsonl]\nlicense: mit\n");
    ASSERT_EQ(sft({"train", "--config", "run.yaml", "--quiet"}).exit_code, 0);
    folder.write("run/epoch-2/eval/results.json",
                 R"({"results": [{"task": "boolq", "shots": 0, "metric": "accuracy",)"
                 R"( "score": 61.5, "stderr": 0.85, "n": 3270},)"
                 R"( {"task": "mmlu", "shots": 5, "missing": "mmlu/test.jsonl"}]})");
  }
  BinaryResult publish(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"publish", "--ckpt", "run/epoch-2",
                                          "--repo",  "me/run", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return sft(arguments);
  }

  FakeUploadHub server;
};

TEST_F(PublishCommand, UploadsModelAndCard) {
  const BinaryResult result = publish();
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr(server.url() + "/me/run (private), commit ccc"));
  ASSERT_EQ(server.commits.size(), 1);
  const FakeUploadHub::Commit& commit = server.commits.front();
  EXPECT_EQ(server.stored.at(commit.large.at("model.safetensors")),
            read_whole_file(path("run/epoch-2/model.safetensors")));
  for (const char* const name :
       {"README.md", "config.json", "tokenizer.json", "tokenizer_config.json", "sft.json"}) {
    EXPECT_TRUE(commit.small.contains(name)) << name;
  }
  EXPECT_FALSE(commit.small.contains("eval/results.json"));
}

TEST_F(PublishCommand, ShowsTheCardWithoutSending) {
  unsetenv("HF_TOKEN");
  const BinaryResult result = publish({"--dry-run"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("| model | apache-2.0 |"));
  EXPECT_THAT(result.out, HasSubstr("| rows | mit | 24 samples of 24 rows |"));
  EXPECT_THAT(result.out, HasSubstr("| boolq | 0 | accuracy | 61.50 ± 0.85 | 3270 |"));
  EXPECT_THAT(result.out, HasSubstr("sft train --config config.yaml"));
  EXPECT_THAT(result.out, HasSubstr("learning_rate: "));
  EXPECT_THAT(result.out, Not(HasSubstr("mmlu")));
  EXPECT_THAT(result.err, HasSubstr("nothing was sent"));
  EXPECT_TRUE(server.is_private.empty());
}

TEST_F(PublishCommand, IsRefusedWhereALicenceForbids) {
  folder.write("rows.yaml", "name: rows\nfiles: [rows.jsonl]\nlicense: cc-by-nc-4.0\n");
  const BinaryResult refused = publish();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err,
              HasSubstr("the licence of rows (cc-by-nc-4.0) allows no commercial use"));
  EXPECT_THAT(refused.err, HasSubstr("--accept-licence"));
  EXPECT_TRUE(server.is_private.empty());
  EXPECT_EQ(publish({"--accept-licence"}).exit_code, 0);
  EXPECT_EQ(server.commits.size(), 1);
}

TEST_F(PublishCommand, NeedsAModelATokenAndAName) {
  EXPECT_EQ(sft({"publish", "--ckpt", "run/epoch-2", "--repo", "me"}).exit_code, 2);
  EXPECT_EQ(sft({"publish", "--ckpt", "nowhere", "--repo", "me/run"}).exit_code, 1);
  EXPECT_THAT(sft({"publish", "--ckpt", "run", "--repo", "me/run"}).err,
              HasSubstr("neither a model"));
  unsetenv("HF_TOKEN");
  EXPECT_THAT(publish().err, HasSubstr("HF_TOKEN is not set"));
}

TEST_F(PublishCommand, DoctorTellsOfEachPart) {
  const BinaryResult result = sft({"doctor", "--json", "--offline"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const Json report = Json::parse(result.out);
  std::vector<std::string> names;
  for (const Json& check : report.at("checks")) {
    names.push_back(check.at("name"));
    const bool is_ok = check.at("status") == "ok";
    EXPECT_EQ(check.at("fix").is_null(), is_ok) << check.dump();
  }
  EXPECT_THAT(names, testing::ElementsAre("cpu", "gpu", "memory", "disk: this folder",
                                          "disk: prepared data", "disk: hub cache", "sandbox",
                                          "slurm", "python", "hub"));
  EXPECT_THAT(sft({"doctor"}).out, HasSubstr(server.url() + ", answers 401"));
}

}  // namespace
}  // namespace sft
