#pragma once

#include <functional>
#include <optional>
#include <string>

#include "sft/hub/hub.h"
#include "sft/io/http_client.h"
#include "sft/io/json.h"

namespace sft {

// How long to wait before the next try of what the network spoiled: 1 s, 2 s, 4 s, ..., or as long
// as the server asks for. Begins anew whenever there was progress.
class Backoff {
 public:
  explicit Backoff(const HubSettings& settings) : settings_(settings) {}

  // Waits; false where the tries are used up. `response` is the server's refusal, null where there
  // was none; `why` is for the log.
  bool wait(const HttpResponse* response, const std::string& why);
  void reset() { tries_ = 0; }

 private:
  const HubSettings& settings_;
  int tries_ = 0;
};

// Requests to the hub. The token goes to the endpoint's origin alone, whatever a redirect says, and
// into no message.
class HubClient {
 public:
  HubClient(const HubSettings& settings, HttpClient& http) : settings_(settings), http_(http) {}

  // One try. Adds the token where it may go. Throws HttpError.
  HttpResponse send(HttpRequest request, const HttpSink& sink = nullptr);
  // One try that follows redirects (at most 8); `sink` gets the last answer's body alone.
  HttpResponse follow(HttpRequest request, const HttpSink& sink = nullptr);
  // Tries as Backoff allows. Throws HttpError with the last failure; gives back the last refusal.
  HttpResponse send_patiently(const HttpRequest& request);

  // HEAD with redirects inside the endpoint's origin: what the hub says about a file, not what a
  // storage server does. The headers of all answers, the later ones' first.
  HttpResponse head(const std::string& url);

  // An answer's JSON. Throws Error with `what` and the explanation where it is a refusal.
  Json json_of(const HttpResponse& response, const std::string& url) const;

  // Whether an exchange with the hub has succeeded, so that a lost connection may come back.
  bool has_answered() const { return has_answered_; }
  const HubSettings& settings() const { return settings_; }

 private:
  HttpResponse patiently(const std::string& where, const std::function<HttpResponse()>& attempt);
  HttpResponse head_once(const std::string& url);
  bool may_have_token(const std::string& url) const;

  const HubSettings& settings_;
  HttpClient& http_;
  bool has_answered_ = false;
};

// Why the hub refused something of `id`, and what to do: gated, private, missing, too many
// requests.
std::string explain_refusal(const HttpResponse& response, RepoKind kind, const HubId& id,
                            const HubSettings& settings);

// "https://huggingface.co/datasets/owner/name", which people visit.
std::string page_url(const HubSettings& settings, RepoKind kind, const std::string& repo);

// A server's text for a message: one line, not long, without the token.
std::string quoted_text(const std::string& text, const HubSettings& settings);

}  // namespace sft
