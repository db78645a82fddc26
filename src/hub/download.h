#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hub/hub_client.h"

#include "sft/io/sha1.h"
#include "sft/io/sha256.h"

namespace sft {

// What the hub says about a file before it is fetched.
struct RemoteFile {
  std::string name;
  std::string url;
  std::string etag;               // names the blob
  std::optional<uint64_t> bytes;  // none where the server does not tell
};

// The hash that an etag is: sha256 of the bytes (64 hex digits), or git's sha1 of a blob (40).
// Other etags say nothing about the bytes.
class EtagHash {
 public:
  EtagHash(const std::string& etag, std::optional<uint64_t> bytes);

  void update(std::string_view bytes);
  // Whether all bytes seen are those of the etag; ends the object's use.
  bool holds();

 private:
  std::string etag_;
  std::unique_ptr<Sha256> sha256_;
  std::unique_ptr<Sha1> sha1_;
};

// One file on its way to its blob. The bytes so far lie in `<blob>.incomplete`, where a later
// process continues; they are hashed, synced and renamed when all are there. The caller holds the
// blob's lock.
class Download {
 public:
  // `on_progress` is told how many bytes there are by now.
  Download(HubClient& client, RemoteFile file, std::filesystem::path blob,
           std::function<void(uint64_t bytes)> on_progress);
  ~Download();
  Download(const Download&) = delete;
  Download& operator=(const Download&) = delete;

  // Throws Error where the hub refuses, falls silent for too long, sends other bytes than it should
  // twice, or where they cannot be written.
  void run(const std::function<std::string(const HttpResponse&)>& explain);

 private:
  void open();
  void restart();
  void fetch_all(const std::function<std::string(const HttpResponse&)>& explain);
  HttpResponse fetch_rest();
  void take(const HttpResponse& head, std::string_view bytes);
  bool is_complete(const HttpResponse& last) const;
  void commit();

  HubClient& client_;
  RemoteFile file_;
  std::filesystem::path blob_;
  std::filesystem::path incomplete_;
  std::function<void(uint64_t)> on_progress_;
  int descriptor_ = -1;
  uint64_t done_ = 0;
  std::unique_ptr<EtagHash> hash_;
};

}  // namespace sft
