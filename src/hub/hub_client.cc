#include "hub/hub_client.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/log.h"
#include "sft/io/http_retry.h"

namespace sft {
namespace {

constexpr int kMostTries = 6;
constexpr int kMostRedirects = 8;
constexpr double kLongestPause = 30;
constexpr double kLongestAskedPause = 300;
constexpr size_t kMostQuotedBytes = 200;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string kind_name(RepoKind kind) {
  return kind == RepoKind::kModel ? "model" : "dataset";
}

std::string token_advice(const HubSettings& settings) {
  return settings.token.empty() ? "set HF_TOKEN to a token that may read it"
                                : "HF_TOKEN is set, but to one that may not read it";
}

}  // namespace

bool Backoff::wait(const HttpResponse* response, const std::string& why) {
  ++tries_;
  double pause = std::min(std::ldexp(1.0, tries_ - 1), kLongestPause);
  if (response != nullptr) {
    pause = std::max(pause, asked_pause(*response, SystemClock().unix_seconds()).value_or(0));
  }
  if (tries_ >= kMostTries || pause > kLongestAskedPause) {
    return false;
  }
  spdlog::warn("[hub] {}; tries again in {}", why, format_seconds(pause));
  settings_.sleep(pause);
  return true;
}

bool HubClient::may_have_token(const std::string& url) const {
  return !settings_.token.empty() &&
         parse_url(url).origin() == parse_url(settings_.endpoint).origin();
}

HttpResponse HubClient::send(HttpRequest request, const HttpSink& sink) {
  if (may_have_token(request.url)) {
    request.headers.emplace_back("Authorization", "Bearer " + settings_.token);
  }
  HttpResponse response = http_.send(request, sink);
  has_answered_ = true;
  return response;
}

HttpResponse HubClient::follow(HttpRequest request, const HttpSink& sink) {
  for (int redirects = 0;; ++redirects) {
    const HttpSink last_only = [&](const HttpResponse& head, std::string_view bytes) {
      if (!is_redirect(head.status)) {
        sink(head, bytes);
      }
    };
    HttpResponse response = send(request, sink ? last_only : HttpSink());
    if (!is_redirect(response.status)) {
      return response;
    }
    if (redirects == kMostRedirects) {
      throw Error(parse_url(request.url).origin() + ": redirects without end");
    }
    request.url = resolve_url(request.url, response.header("location"));
  }
}

HttpResponse HubClient::patiently(const std::string& where,
                                  const std::function<HttpResponse()>& attempt) {
  Backoff backoff(settings_);
  while (true) {
    try {
      HttpResponse response = attempt();
      if (!is_passing(response.status) ||
          !backoff.wait(&response, fmt::format("{} answers {}", where, response.status))) {
        return response;
      }
    } catch (const HttpError& error) {
      const bool is_hopeless = error.kind() == HttpError::Kind::kUnreachable && !has_answered_;
      if (is_hopeless || !backoff.wait(nullptr, error.what())) {
        throw;
      }
    }
  }
}

HttpResponse HubClient::send_patiently(const HttpRequest& request) {
  return patiently(parse_url(request.url).origin(), [&] { return follow(request); });
}

HttpResponse HubClient::head(const std::string& url) {
  return patiently(url, [&] { return head_once(url); });
}

HttpResponse HubClient::head_once(const std::string& url) {
  HttpRequest request = {.method = "HEAD",
                         .url = url,
                         .headers = {{"Accept-Encoding", "identity"}},
                         .body = {},
                         .upload = std::nullopt};
  HttpResponse known;
  for (int redirects = 0; redirects <= kMostRedirects; ++redirects) {
    HttpResponse response = send(request);
    if (is_redirect(response.status)) {
      response.headers.erase("content-length");  // of the redirect's own text
      response.headers.erase("etag");
    }
    known.status = response.status;
    for (auto& [name, value] : response.headers) {
      known.headers[name] = std::move(value);
    }
    if (!is_redirect(response.status)) {
      return known;
    }
    const std::string next = resolve_url(request.url, known.header("location"));
    if (parse_url(next).origin() != parse_url(request.url).origin()) {
      known.status = 200;  // the hub has said what it knows of the file
      return known;
    }
    request.url = next;
  }
  throw Error(url + ": redirects without end");
}

Json HubClient::json_of(const HttpResponse& response, const std::string& url) const {
  if (response.status != 200 && response.status != 201) {
    throw Error(fmt::format("{}: answered {}{}", url, response.status,
                            quoted_text(response.body, settings_)));
  }
  return parse_json(response.body, url);
}

std::string page_url(const HubSettings& settings, RepoKind kind, const std::string& repo) {
  return settings.endpoint + (kind == RepoKind::kDataset ? "/datasets/" : "/") + repo;
}

std::string quoted_text(const std::string& text, const HubSettings& settings) {
  std::string line = text.substr(0, 4 * kMostQuotedBytes);
  if (!settings.token.empty()) {
    for (size_t at = line.find(settings.token); at != std::string::npos;
         at = line.find(settings.token)) {
      line.replace(at, settings.token.size(), "...");
    }
  }
  line = line.substr(0, kMostQuotedBytes);
  std::ranges::replace_if(
      line, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, ' ');
  return line.find_first_not_of(' ') == std::string::npos ? "" : " (\"" + line + "\")";
}

std::string explain_refusal(const HttpResponse& response, RepoKind kind, const HubId& id,
                            const HubSettings& settings) {
  const std::string what = kind_name(kind) + " " + id.text();
  const std::string code = response.header("x-error-code");
  const std::string page = page_url(settings, kind, id.repo);
  if (code == "GatedRepo") {
    return fmt::format("{}: gated; accept its terms at {}, and {}", what, page,
                       token_advice(settings));
  }
  if (code == "RevisionNotFound") {
    return fmt::format("{}: no revision '{}' at {}", what, id.revision, page);
  }
  if (code == "EntryNotFound") {
    return fmt::format("{}: a file is not there any more; start again", what);
  }
  if (response.status == 401 || response.status == 403) {
    return fmt::format(
        "{}: the hub answers {}: no such repository at {}, or a private or gated "
        "one; check the name, and {}",
        what, response.status, page, token_advice(settings));
  }
  if (response.status == 404) {
    return fmt::format("{}: no such {} at {}{}", what, kind_name(kind), page,
                       settings.token.empty() ? "; if it is private, set HF_TOKEN" : "");
  }
  return fmt::format("{}: the hub at {} answers {}{}; try again later", what, settings.endpoint,
                     response.status, quoted_text(response.header("x-error-message"), settings));
}

}  // namespace sft
