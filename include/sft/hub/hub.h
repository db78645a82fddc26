#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sft/core/clock.h"
#include "sft/hub/hub_id.h"
#include "sft/io/http_client.h"

namespace sft {

void sleep_seconds(double seconds);

// Where the hub is and where its files are kept.
struct HubSettings {
  std::filesystem::path cache;                      // shared with huggingface_hub
  std::string endpoint = "https://huggingface.co";  // no slash at its end
  std::string token;                                // "": none
  bool is_offline = false;                          // never touch the network
  bool is_quiet = false;                            // no progress on stderr
  // Pauses between tries; tests do not wait.
  std::function<void(double seconds)> sleep = sleep_seconds;
};

// $HF_HUB_CACHE, $HF_HOME/hub or ~/.cache/huggingface/hub; HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE.
// Throws UsageError for an endpoint that is no address, or a token that fits in no header.
HubSettings hub_settings_from_environment();

// What is wanted of a repository.
struct HubWant {
  // kModel: config.json, generation_config.json, tokenizer files, the safetensors with their index
  // (or an adapter's), and sft.json. kTokenizer: of these only what a tokenizer is read from.
  // kFiles: the files of `patterns`.
  enum class Part { kModel, kTokenizer, kFiles };

  RepoKind kind = RepoKind::kModel;
  HubId id;
  Part part = Part::kModel;
  // Names, or patterns (* ? [..], none of which matches a '/'), from the repository's root.
  std::vector<std::string> patterns;
  // What is known of its size ("1,030 rows, 3 MB"), for the message about missing files where the
  // hub cannot be asked.
  std::string about;
  // The same as a number; 0: unknown.
  uint64_t known_bytes = 0;
};

HubWant model_want(HubId id);
HubWant tokenizer_want(HubId id);
HubWant dataset_want(HubId id, std::vector<std::string> patterns, std::string about = "");

struct HubFile {
  std::string name;  // in the repository: "data/train.jsonl"
  std::filesystem::path path;
};

// A want, satisfied: a folder of the cache, which others read too. Never write into it.
struct HubSnapshot {
  std::filesystem::path folder;  // <cache>/models--owner--name/snapshots/<commit>
  std::string commit;
  std::vector<HubFile> files;  // those wanted, in the order of the patterns, then by name
};

// Names of models and datasets to local folders: looked up in the cache first, without touching the
// network; what is not there is downloaded, each file whole or not at all, once however many
// processes ask, continued where it was cut, and checked against the hub's hash. `http` and `clock`
// must outlive it.
class Hub {
 public:
  Hub(HubSettings settings, HttpClient& http, const Clock& clock);
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // One snapshot a want, in their order. Throws one Error for all that is missing and cannot be
  // had: which files of which repository, how large they are, why, and how to get them.
  std::vector<HubSnapshot> fetch(const std::vector<HubWant>& wants);
  HubSnapshot fetch(const HubWant& want);

  const HubSettings& settings() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sft
