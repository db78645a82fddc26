#include "sft/hub/hub.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "hub/download.h"
#include "hub/file_lock.h"
#include "hub/hub_cache.h"
#include "hub/hub_client.h"
#include "hub/hub_listing.h"
#include "hub/missing_files.h"

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/log.h"
#include "sft/core/progress.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMegabyte = 1'000'000;
constexpr double kLockPause = 0.2;
constexpr int kWaitsPerMessage = 50;

// An etag becomes a file's name.
bool is_safe_etag(const std::string& etag) {
  constexpr std::string_view kAllowed =
      "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
  return !etag.empty() && etag.size() <= 128 && etag.front() != '.' &&
         etag.find_first_not_of(kAllowed) == std::string::npos;
}

// W/"abc" or "abc".
std::string plain_etag(std::string etag) {
  if (etag.starts_with("W/")) {
    etag.erase(0, 2);
  }
  std::erase(etag, '"');
  return etag;
}

std::optional<uint64_t> parse_size(const std::string& text) {
  if (text.empty() || text.size() > 18 ||
      text.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  return std::stoull(text);
}

const char* api_name(RepoKind kind) {
  return kind == RepoKind::kModel ? "models" : "datasets";
}

// What the cache has of a want.
struct CacheState {
  Listing listing;
  std::vector<std::string> names;   // all that is wanted, as far as known
  std::vector<std::string> absent;  // of these
  bool is_whole = false;
};

}  // namespace

void sleep_seconds(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

HubWant model_want(HubId id) {
  return {.kind = RepoKind::kModel,
          .id = std::move(id),
          .part = HubWant::Part::kModel,
          .patterns = {},
          .about = {},
          .known_bytes = 0};
}

HubWant tokenizer_want(HubId id) {
  return {.kind = RepoKind::kModel,
          .id = std::move(id),
          .part = HubWant::Part::kTokenizer,
          .patterns = {},
          .about = {},
          .known_bytes = 0};
}

HubWant dataset_want(HubId id, std::vector<std::string> patterns, std::string about) {
  return {.kind = RepoKind::kDataset,
          .id = std::move(id),
          .part = HubWant::Part::kFiles,
          .patterns = std::move(patterns),
          .about = std::move(about),
          .known_bytes = 0};
}

struct Hub::State {
  HubSettings settings;
  HubCache cache;
  HubClient client;
  const Clock& clock;
  std::map<std::string, Listing> listings;  // asked for in this process, by kind and id

  State(HubSettings given, HttpClient& http, const Clock& clock_given)
      : settings(std::move(given)),
        cache(settings.cache),
        client(settings, http),
        clock(clock_given) {
    settings.cache = cache.root();
  }

  CacheState look_up(const HubWant& want) const;
  CacheState look_up(const HubWant& want, Listing listing) const;
  HubSnapshot snapshot(const HubWant& want, const CacheState& state) const;

  const Listing& ask_listing(const HubWant& want);
  RemoteFile ask_file(const HubWant& want, const Listing& listing, const std::string& name);
  void fetch(const HubWant& want, const Listing& listing, const std::vector<std::string>& names);
  void fetch_file(const HubWant& want, const fs::path& target, const RemoteFile& file,
                  const std::function<void(uint64_t)>& on_progress);
  void check_space(const HubWant& want, const std::vector<RemoteFile>& files) const;
  HubSnapshot fetch_whole(const HubWant& want);
};

CacheState Hub::State::look_up(const HubWant& want) const {
  const std::optional<std::string> commit = cache.find_commit(want.kind, want.id);
  if (!commit.has_value()) {
    return {.listing = {.commit = {}, .files = {}, .is_known = false},
            .names = {},
            .absent = {},
            .is_whole = false};
  }
  return look_up(want, cache.find_listing(want.kind, want.id.repo, *commit));
}

CacheState Hub::State::look_up(const HubWant& want, Listing listing) const {
  const fs::path folder = cache.snapshot(want.kind, want.id.repo, listing.commit);
  CacheState state = {.listing = std::move(listing), .names = {}, .absent = {}, .is_whole = false};
  state.names = wanted_files(state.listing, want);
  std::error_code error;
  if (std::ranges::find(state.names, kIndexName) != state.names.end() &&
      fs::exists(folder / kIndexName, error)) {
    std::ranges::copy(shards_of(folder / kIndexName), std::back_inserter(state.names));
  }
  for (const std::string& name : state.names) {
    if (!fs::exists(folder / name, error)) {
      state.absent.push_back(name);
    }
  }
  const bool is_enough = state.listing.is_known ? !why_unusable(state.listing, want).has_value()
                                                : looks_whole(state.names, want);
  state.is_whole = state.absent.empty() && is_enough;
  return state;
}

HubSnapshot Hub::State::snapshot(const HubWant& want, const CacheState& state) const {
  HubSnapshot snapshot = {.folder = cache.snapshot(want.kind, want.id.repo, state.listing.commit),
                          .commit = state.listing.commit,
                          .files = {}};
  for (const std::string& name : state.names) {
    snapshot.files.push_back({.name = name, .path = snapshot.folder / name});
  }
  return snapshot;
}

const Listing& Hub::State::ask_listing(const HubWant& want) {
  const std::string key = std::string(api_name(want.kind)) + "/" + want.id.text();
  if (const auto known = listings.find(key); known != listings.end()) {
    return known->second;
  }
  const std::string url =
      fmt::format("{}/api/{}/{}/revision/{}?blobs=true", settings.endpoint, api_name(want.kind),
                  want.id.repo, url_escape(want.id.revision));
  HttpRequest request;
  request.url = url;
  const HttpResponse response = client.send_patiently(request);
  if (response.status != 200) {
    throw Error(explain_refusal(response, want.kind, want.id, settings));
  }
  Listing listing = parse_listing(client.json_of(response, url), url);
  if (const auto reason = why_unusable(listing, want)) {
    throw Error(fmt::format("{} at {}: {}", want.id.text(),
                            page_url(settings, want.kind, want.id.repo), *reason));
  }
  cache.save_listing(want.kind, want.id.repo, listing);
  return listings.emplace(key, std::move(listing)).first->second;
}

RemoteFile Hub::State::ask_file(const HubWant& want, const Listing& listing,
                                const std::string& name) {
  RemoteFile file = {
      .name = name,
      .url = fmt::format("{}/resolve/{}/{}", page_url(settings, want.kind, want.id.repo),
                         listing.commit, url_escape(name, "/")),
      .etag = {},
      .bytes = std::nullopt};
  const HttpResponse response = client.head(file.url);
  if (response.status != 200) {
    throw Error(explain_refusal(response, want.kind, want.id, settings));
  }
  const std::string linked = response.header("x-linked-etag");
  file.etag = plain_etag(linked.empty() ? response.header("etag") : linked);
  const std::string linked_size = response.header("x-linked-size");
  file.bytes = parse_size(linked_size.empty() ? response.header("content-length") : linked_size);
  if (const ListedFile* const listed = listing.find(name); !file.bytes && listed != nullptr) {
    file.bytes = listed->bytes;
  }
  if (!is_safe_etag(file.etag)) {
    throw Error(file.url + ": the answer has no ETag to name the file by; is this a hub?");
  }
  return file;
}

void Hub::State::check_space(const HubWant& want, const std::vector<RemoteFile>& files) const {
  uint64_t needed = 0;
  for (const RemoteFile& file : files) {
    std::error_code error;
    const fs::path blob = cache.blob(want.kind, want.id.repo, file.etag);
    if (fs::exists(blob, error)) {
      continue;
    }
    const uint64_t there = fs::file_size(blob.string() + ".incomplete", error);
    const uint64_t bytes = file.bytes.value_or(0);
    needed += bytes - (error ? 0 : std::min(there, bytes));
  }
  std::error_code error;
  const fs::space_info space = fs::space(cache.root(), error);
  if (!error && space.available < needed) {
    throw Error(
        fmt::format("{}: {} needs {} more, and {} are free; make room, or let HF_HUB_CACHE "
                    "name a folder on another disk",
                    cache.root().string(), want.id.text(), format_bytes(needed),
                    format_bytes(space.available)));
  }
}

void Hub::State::fetch_file(const HubWant& want, const fs::path& target, const RemoteFile& file,
                            const std::function<void(uint64_t)>& on_progress) {
  const fs::path blob = cache.blob(want.kind, want.id.repo, file.etag);
  int waits = 0;
  const FileLock lock(cache.lock(want.kind, want.id.repo, file.etag), [&] {
    if (waits++ % kWaitsPerMessage == 0) {
      spdlog::info("[hub] waits for another process that downloads {} of {}", file.name,
                   want.id.text());
    }
    settings.sleep(kLockPause);
  });
  std::error_code error;
  const uint64_t size = fs::file_size(blob, error);
  if (error || size != file.bytes.value_or(size)) {
    Download download(client, file, blob, on_progress);
    download.run([&](const HttpResponse& response) {
      return explain_refusal(response, want.kind, want.id, settings);
    });
  }
  cache.link(target, blob);
}

void Hub::State::fetch(const HubWant& want, const Listing& listing,
                       const std::vector<std::string>& names) {
  std::vector<RemoteFile> files;
  uint64_t total = 0;
  for (const std::string& name : names) {
    files.push_back(ask_file(want, listing, name));
    total += files.back().bytes.value_or(0);
  }
  check_space(want, files);
  Progress progress({.what = "download " + want.id.text(),
                     .unit = "MB",
                     .total = (total + kMegabyte - 1) / kMegabyte,
                     .is_quiet = settings.is_quiet},
                    clock);
  const fs::path folder = cache.snapshot(want.kind, want.id.repo, listing.commit);
  uint64_t done = 0;
  for (const RemoteFile& file : files) {
    fetch_file(want, folder / file.name, file,
               [&](uint64_t bytes) { progress.update((done + bytes) / kMegabyte, file.name); });
    done += file.bytes.value_or(0);
  }
}

HubSnapshot Hub::State::fetch_whole(const HubWant& want) {
  const Listing& listing = ask_listing(want);
  CacheState state = look_up(want, listing);
  spdlog::info("[hub] {} is fetched from {} at commit {}", want.id.text(), settings.endpoint,
               listing.commit);
  // Shards are known once their index is there, so there may be a second round.
  while (!state.absent.empty()) {
    fetch(want, listing, state.absent);
    state = look_up(want, listing);
  }
  cache.save_commit(want.kind, want.id, listing.commit);
  return snapshot(want, state);
}

Hub::Hub(HubSettings settings, HttpClient& http, const Clock& clock)
    : state_(std::make_unique<State>(std::move(settings), http, clock)) {}

Hub::~Hub() = default;

const HubSettings& Hub::settings() const {
  return state_->settings;
}

HubSnapshot Hub::fetch(const HubWant& want) {
  return fetch(std::vector{want}).front();
}

std::vector<HubSnapshot> Hub::fetch(const std::vector<HubWant>& wants) {
  std::vector<HubSnapshot> snapshots(wants.size());
  std::vector<size_t> open;
  std::vector<MissingFiles> missing;
  for (size_t i = 0; i < wants.size(); ++i) {
    const CacheState state = state_->look_up(wants[i]);
    if (state.is_whole) {
      snapshots[i] = state_->snapshot(wants[i], state);
    } else {
      open.push_back(i);
      missing.push_back(missing_files(wants[i], state.listing, state.absent));
    }
  }
  if (open.empty()) {
    return snapshots;
  }
  const HubSettings& settings = state_->settings;
  if (settings.is_offline) {
    throw Error(
        missing_message(missing, settings, "and this is offline (HF_HUB_OFFLINE, --offline)"));
  }
  std::string refusals;
  for (const size_t i : open) {
    try {
      state_->ask_listing(wants[i]);
    } catch (const HttpError& error) {
      throw Error(missing_message(missing, settings,
                                  fmt::format("and the hub cannot be reached ({})", error.what())));
    } catch (const Error& error) {
      refusals += (refusals.empty() ? "" : "; ") + std::string(error.what());
    }
  }
  if (!refusals.empty()) {
    throw Error(refusals);
  }
  for (const size_t i : open) {
    snapshots[i] = state_->fetch_whole(wants[i]);
  }
  return snapshots;
}

}  // namespace sft
