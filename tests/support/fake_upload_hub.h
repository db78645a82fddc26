#pragma once

// The part of the hub that takes uploads: repositories are made, files sorted into small and large,
// large ones stored whole or in parts, and commits put together from them.

#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "http_server.h"

#include "sft/io/json.h"
#include "sft/io/sha256.h"

namespace sft {

class FakeUploadHub {
 public:
  static constexpr const char* kToken = "hf_write";
  struct Commit {
    std::string summary;
    std::map<std::string, std::string> small;  // name to base64
    std::map<std::string, std::string> large;  // name to sha256
  };
  using Interference = std::function<std::optional<ServedResponse>(const ServedRequest&)>;

  FakeUploadHub()
      : storage_([this](const ServedRequest& request) { return store(request); }),
        hub_([this](const ServedRequest& request) { return serve(request); }) {}

  std::string url() const { return hub_.url(); }

  // Before the first request.
  size_t part_bytes = 0;  // 0: large files go in one piece
  bool makes_public = false;
  Interference interfere_storage = {};

  std::map<std::string, bool> is_private = {};     // by repository
  std::map<std::string, std::string> stored = {};  // by sha256
  std::vector<Commit> commits = {};
  int num_puts = 0;
  int num_verified = 0;
  bool has_leaked = false;  // the token came to the storage

 private:
  static ServedResponse json(const Json& value) { return {.body = value.dump()}; }

  ServedResponse serve(const ServedRequest& request) {
    const std::lock_guard guard(mutex_);
    const std::string& target = request.target;
    if (request.header("authorization") != std::string("Bearer ") + kToken) {
      return {.status = 401, .body = "no such token: " + request.header("authorization")};
    }
    if (target == "/api/repos/create") {
      const Json body = Json::parse(request.body);
      const std::string repo =
          body.at("organization").get<std::string>() + "/" + body.at("name").get<std::string>();
      is_private[repo] = body.at("visibility") == "private" && !makes_public;
      return json({{"url", url() + "/" + repo}});
    }
    if (target.find("/preupload/") != std::string::npos) {
      return sorted(Json::parse(request.body));
    }
    if (target.ends_with(".git/info/lfs/objects/batch")) {
      return batch(Json::parse(request.body));
    }
    if (target == "/verify") {
      const Json body = Json::parse(request.body);
      ++num_verified;
      const auto found = stored.find(body.at("oid").get<std::string>());
      const bool is_whole = found != stored.end() && found->second.size() == body.at("size");
      return {.status = is_whole ? 200 : 404};
    }
    if (target.starts_with("/complete/")) {
      return complete(target.substr(10), Json::parse(request.body));
    }
    if (target.find("/commit/") != std::string::npos) {
      return commit(request.body);
    }
    const std::string repo = target.substr(std::string("/api/models/").size());
    return is_private.contains(repo) ? json({{"private", is_private[repo]}})
                                     : ServedResponse{.status = 404};
  }

  static ServedResponse sorted(const Json& body) {
    Json files = Json::array();
    for (const Json& file : body.at("files")) {
      const bool is_large = file.at("path").get<std::string>().ends_with(".safetensors");
      files.push_back({{"path", file.at("path")},
                       {"uploadMode", is_large ? "lfs" : "regular"},
                       {"shouldIgnore", false}});
    }
    return json({{"files", files}});
  }

  ServedResponse batch(const Json& body) {
    Json objects = Json::array();
    for (const Json& object : body.at("objects")) {
      const auto oid = object.at("oid").get<std::string>();
      const auto size = object.at("size").get<size_t>();
      Json entry = {{"oid", oid}, {"size", size}};
      if (!stored.contains(oid)) {
        Json upload = {{"href", storage_.url() + "/" + oid}, {"header", {{"X-Given", "yes"}}}};
        if (part_bytes > 0) {
          upload = {{"href", url() + "/complete/" + oid},
                    {"header", {{"chunk_size", std::to_string(part_bytes)}}}};
          for (size_t part = 0; part * part_bytes < size; ++part) {
            upload["header"][std::to_string(part + 1)] =
                storage_.url() + "/" + oid + "/" + std::to_string(part + 1);
          }
        }
        entry["actions"] = {{"upload", upload}, {"verify", {{"href", url() + "/verify"}}}};
      }
      objects.push_back(entry);
    }
    return json({{"transfer", part_bytes > 0 ? "multipart" : "basic"}, {"objects", objects}});
  }

  ServedResponse store(const ServedRequest& request) {
    const std::lock_guard guard(mutex_);
    has_leaked = has_leaked || !request.header("authorization").empty();
    if (interfere_storage) {
      if (auto response = interfere_storage(request)) {
        return *response;
      }
    }
    ++num_puts;
    const std::string name = request.target.substr(1);
    if (part_bytes == 0) {
      if (sha256_hex(request.body) != name || request.header("x-given") != "yes") {
        return {.status = 400};
      }
      stored[name] = request.body;
    } else {
      parts_[name] = request.body;
    }
    return {.headers = {{"ETag", '"' + sha256_hex(request.body) + '"'}}};
  }

  ServedResponse complete(const std::string& oid, const Json& body) {
    std::string bytes;
    for (const Json& part : body.at("parts")) {
      const std::string& piece = parts_[oid + "/" + part.at("partNumber").dump()];
      if (part.at("etag") != '"' + sha256_hex(piece) + '"') {
        return {.status = 400};
      }
      bytes += piece;
    }
    if (sha256_hex(bytes) != oid) {
      return {.status = 400};
    }
    stored[oid] = bytes;
    return json(Json::object());
  }

  ServedResponse commit(const std::string& lines) {
    Commit commit;
    std::istringstream stream(lines);
    for (std::string line; std::getline(stream, line);) {
      const Json entry = Json::parse(line);
      const Json& value = entry.at("value");
      if (entry.at("key") == "header") {
        commit.summary = value.at("summary").get<std::string>();
      } else if (entry.at("key") == "file") {
        commit.small[value.at("path")] = value.at("content").get<std::string>();
      } else {
        const auto oid = value.at("oid").get<std::string>();
        if (!stored.contains(oid)) {
          return {.status = 400};
        }
        commit.large[value.at("path")] = oid;
      }
    }
    commits.push_back(commit);
    return json({{"commitOid", std::string(40, 'c')}, {"commitUrl", url()}});
  }

  std::mutex mutex_;
  std::map<std::string, std::string> parts_;
  HttpServer storage_;
  HttpServer hub_;
};

}  // namespace sft
