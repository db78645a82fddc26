#include "sft/eval/cached_language_model.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace sft {
namespace {

// The requests that have to be asked, by their keys.
template <typename Request>
struct Open {
  std::vector<Request> requests;            // each key once
  std::vector<std::string> keys;            // of `requests`
  std::vector<std::vector<size_t>> places;  // among all requests, of each of `requests`
};

// Answers from the cache what it holds, and collects the rest.
template <typename Request, typename Result, typename Find, typename OnDone>
Open<Request> answer_known(std::span<const Request> requests, std::vector<Result>& results,
                           const Find& find, const OnDone& on_done) {
  Open<Request> open;
  std::map<std::string, size_t> known;  // the open request of a key
  for (size_t i = 0; i < requests.size(); ++i) {
    const std::string key = ResponseCache::key(requests[i]);
    if (const auto same = known.find(key); same != known.end()) {
      open.places[same->second].push_back(i);
      continue;
    }
    if (std::optional<Result> result = find(key)) {
      results[i] = std::move(*result);
      if (on_done) {
        on_done(i, results[i]);
      }
      continue;
    }
    known.emplace(key, open.requests.size());
    open.requests.push_back(requests[i]);
    open.keys.push_back(key);
    open.places.push_back({i});
  }
  return open;
}

// What is done with the answer to each open request: kept, given to all who asked, told.
template <typename Request, typename Result, typename OnDone>
auto keep_and_tell(const Open<Request>& open, ResponseCache& cache, std::vector<Result>& results,
                   const OnDone& on_done) {
  return [&open, &cache, &results, &on_done](size_t request, const Result& result) {
    cache.add(open.keys[request], result);
    for (const size_t place : open.places[request]) {
      results[place] = result;
      if (on_done) {
        on_done(place, result);
      }
    }
  };
}

}  // namespace

std::vector<GenerateResult> CachedLanguageModel::generate(std::span<const GenerateRequest> requests,
                                                          const OnGenerated& on_done) {
  std::vector<GenerateResult> results(requests.size());
  const auto find = [this](const std::string& key) { return cache_.find_generated(key); };
  const Open<GenerateRequest> open = answer_known(requests, results, find, on_done);
  if (!open.requests.empty()) {
    model_.generate(open.requests, keep_and_tell(open, cache_, results, on_done));
  }
  return results;
}

std::vector<ScoreResult> CachedLanguageModel::score(std::span<const ScoreRequest> requests,
                                                    const OnScored& on_done) {
  std::vector<ScoreResult> results(requests.size());
  const auto find = [this](const std::string& key) { return cache_.find_scored(key); };
  const Open<ScoreRequest> open = answer_known(requests, results, find, on_done);
  if (!open.requests.empty()) {
    model_.score(open.requests, keep_and_tell(open, cache_, results, on_done));
  }
  return results;
}

}  // namespace sft
