#include "sft/eval/remote_judge.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "eval/chat_completion.h"
#include "eval/request_gate.h"

#include "sft/core/clock.h"
#include "sft/core/format.h"
#include "sft/io/http_retry.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

constexpr double kLongestPause = 30;
constexpr double kLongestAskedPause = 300;
constexpr double kSecondsBetweenWarnings = 1;
constexpr int kSilentSeconds = 600;  // a long verdict of a busy local model
constexpr int kTriesOfNonsense = 3;
constexpr int64_t kHopeless = 16;  // nonsense in so many calls, and sense in none
constexpr size_t kMostQuotedBytes = 200;
constexpr auto kTick = std::chrono::milliseconds(200);

constexpr std::string_view kCompletions = "/chat/completions";

std::string quoted(const std::string& body) {
  return body.size() > kMostQuotedBytes ? body.substr(0, kMostQuotedBytes) + "..." : body;
}

// What one request came to, where it gave no reply.
struct Refusal {
  std::string why;
  bool is_nonsense = false;  // an answer that is none
  double pause = 0;          // seconds that the judge asked for
};

// The calls of one `ask`, worked off by several threads.
class JudgeJob {
 public:
  JudgeJob(const JudgeSettings& settings, const std::string& url, std::span<const JudgeCall> calls)
      : settings_(settings),
        url_(url),
        origin_(parse_url(url).origin()),
        calls_(calls),
        gate_(settings.requests_per_minute) {}

  bool is_closed() const { return gate_.is_closed(); }
  void close() { gate_.close(); }

  // Takes calls until none is left; what goes wrong for all closes the gate.
  void work(HttpClient& client) {
    try {
      for (size_t call = next_++; call < calls_.size(); call = next_++) {
        std::optional<JudgeReply> reply = answer(client, calls_[call]);
        if (!reply) {
          return;  // the gate is closed
        }
        push(call, std::move(*reply));
      }
    } catch (...) {
      {
        const std::lock_guard guard(mutex_);
        failure_ = failure_ ? failure_ : std::current_exception();
      }
      gate_.close();
      arrived_.notify_all();
    }
  }

  // The next reply; none where there is none yet. Throws what a thread failed with.
  std::optional<std::pair<size_t, JudgeReply>> take() {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, kTick, [this] { return !replies_.empty() || failure_; });
    if (replies_.empty()) {
      if (failure_) {
        std::rethrow_exception(failure_);
      }
      return std::nullopt;
    }
    std::pair<size_t, JudgeReply> reply = std::move(replies_.front());
    replies_.pop_front();
    return reply;
  }

 private:
  void push(size_t call, JudgeReply reply) {
    {
      const std::lock_guard guard(mutex_);
      replies_.emplace_back(call, std::move(reply));
    }
    arrived_.notify_all();
  }

  std::string named() const { return "judge " + settings_.model + " at " + origin_; }

  // Tries until there is a reply, or the call is known to fail; none where the gate closed.
  std::optional<JudgeReply> answer(HttpClient& client, const JudgeCall& call) {
    int num_nonsense = 0;
    for (int tries = 1; gate_.pass(); ++tries) {
      JudgeReply reply;
      const std::optional<Refusal> refusal = attempt(client, call, reply);
      if (!refusal) {
        num_good_ += reply.failure.empty() ? 1 : 0;
        return reply;
      }
      if (gate_.is_closed()) {
        return std::nullopt;
      }
      const double pause =
          std::max(std::min(std::ldexp(settings_.first_pause_seconds, tries - 1), kLongestPause),
                   refusal->pause);
      num_nonsense += refusal->is_nonsense ? 1 : 0;
      if (num_nonsense == kTriesOfNonsense) {
        return fail_nonsense(*refusal);
      }
      if (tries >= settings_.most_tries || pause > kLongestAskedPause) {
        throw JudgeError(fmt::format("{}: {}, after {} tries", named(), refusal->why, tries));
      }
      warn(*refusal, pause);
      if (refusal->pause > 0) {
        gate_.hold(pause);
      } else if (!gate_.sleep(pause)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  // Not of each call: a server that is overrun refuses hundreds.
  void warn(const Refusal& refusal, double pause) {
    const double now = SystemClock().monotonic_seconds();
    {
      const std::lock_guard guard(mutex_);
      if (now - warned_ < kSecondsBetweenWarnings) {
        return;
      }
      warned_ = now;
    }
    spdlog::warn("[judge] {}: {}; tries again in {}", named(), refusal.why, format_seconds(pause));
  }

  JudgeReply fail_nonsense(const Refusal& refusal) {
    if (++num_nonsense_ >= kHopeless && num_good_ == 0) {
      throw JudgeError(fmt::format("{}: {} calls were answered by nothing that could be read; {}",
                                   named(), num_nonsense_.load(), refusal.why));
    }
    JudgeReply reply;
    reply.failure = refusal.why;
    return reply;
  }

  // One request. None: `reply` is what it came to.
  std::optional<Refusal> attempt(HttpClient& client, const JudgeCall& call, JudgeReply& reply) {
    HttpRequest request;
    request.method = "POST";
    request.url = url_;
    request.headers = {{"Content-Type", "application/json"}};
    if (!settings_.key.empty()) {
      request.headers.emplace_back("Authorization", "Bearer " + settings_.key);
    }
    request.body = chat_request_body(settings_.model, call);
    HttpResponse response;
    try {
      response = client.send(request);
    } catch (const HttpError& error) {
      if (error.kind() == HttpError::Kind::kUnreachable && !has_answered_ && !gate_.is_closed()) {
        throw JudgeError(
            fmt::format("judge {} cannot be reached: {}; is it running, and is "
                        "SFT_JUDGE_URL right?",
                        settings_.model, error.what()));
      }
      return Refusal{.why = error.what()};
    } catch (const Error& error) {  // an answer without end
      return Refusal{.why = error.what(), .is_nonsense = true};
    }
    has_answered_ = true;
    response.body = without_key(std::move(response.body));
    return read(response, reply);
  }

  std::optional<Refusal> read(const HttpResponse& response, JudgeReply& reply) {
    const std::string says = fmt::format("answers {}: {}", response.status, quoted(response.body));
    if (is_passing(response.status)) {
      return Refusal{.why = says,
                     .pause = asked_pause(response, SystemClock().unix_seconds()).value_or(0)};
    }
    if (response.status == 401 || response.status == 403) {
      throw JudgeError(fmt::format("{} {}; {}", named(), says,
                                   settings_.key.empty()
                                       ? "set SFT_JUDGE_KEY to a key that it takes"
                                       : "SFT_JUDGE_KEY is set, but to a key that it refuses"));
    }
    if (response.status == 404 || (response.status >= 300 && response.status < 400)) {
      throw JudgeError(fmt::format(
          "{} {}; is SFT_JUDGE_URL its API (as in https://host/v1), and SFT_JUDGE_MODEL '{}' "
          "a model that it has?",
          named(), says, settings_.model));
    }
    if (response.status >= 400) {
      reply.failure = says;  // the call's own fault, such as a prompt that is too long
      return std::nullopt;
    }
    try {
      reply = parse_chat_reply(response.body);
    } catch (const Error& error) {
      return Refusal{.why = fmt::format("answers with no chat completion: {}: {}", error.what(),
                                        quoted(response.body)),
                     .is_nonsense = true};
    }
    return std::nullopt;
  }

  // A server may send back what it was sent.
  std::string without_key(std::string text) const {
    constexpr size_t kShortestSecret = 6;
    return settings_.key.size() < kShortestSecret
               ? text
               : python_replace(std::move(text), settings_.key, "***");
  }

  const JudgeSettings& settings_;
  const std::string& url_;
  std::string origin_;
  std::span<const JudgeCall> calls_;
  RequestGate gate_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> has_answered_ = false;
  std::atomic<int64_t> num_good_ = 0;
  std::atomic<int64_t> num_nonsense_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::pair<size_t, JudgeReply>> replies_;
  std::exception_ptr failure_;
  double warned_ = -kSecondsBetweenWarnings;  // when
};

// The threads of a job, which end with it.
class Workers {
 public:
  Workers(JudgeJob& job, int number, const RemoteJudge::MakeClient& make_client) : job_(job) {
    for (int i = 0; i < number; ++i) {
      threads_.emplace_back([&job, &make_client] {
        const std::unique_ptr<HttpClient> client = make_client([&job] { return job.is_closed(); });
        job.work(*client);
      });
    }
  }
  ~Workers() {
    job_.close();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

 private:
  JudgeJob& job_;
  std::vector<std::thread> threads_;
};

std::unique_ptr<HttpClient> make_curl_client(std::function<bool()> is_cancelled) {
  CurlHttpClient::Options options;
  options.stall_seconds = kSilentSeconds;
  options.is_cancelled = std::move(is_cancelled);
  return std::make_unique<CurlHttpClient>(std::move(options));
}

}  // namespace

void JudgeUsage::add(const JudgeReply& reply) {
  if (reply.is_remembered) {
    ++num_remembered;
    return;
  }
  if (!reply.failure.empty()) {
    ++num_failed;
    return;
  }
  ++num_asked;
  is_complete = is_complete && reply.prompt_tokens >= 0 && reply.reply_tokens >= 0;
  prompt_tokens += std::max<int64_t>(reply.prompt_tokens, 0);
  reply_tokens += std::max<int64_t>(reply.reply_tokens, 0);
}

std::string chat_completions_url(const std::string& base) {
  Url url;
  try {
    url = parse_url(base);
  } catch (const Error&) {  // whose message would show a key in the address
    throw UsageError(
        "SFT_JUDGE_URL must be an http:// or https:// address without a user name, "
        "such as https://host/v1");
  }
  const size_t question = std::min(url.path.find('?'), url.path.size());
  std::string path = url.path.substr(0, question);
  path.erase(path.find_last_not_of('/') + 1);
  if (!path.ends_with(kCompletions)) {
    path += std::string(path.empty() ? "/v1" : "") + std::string(kCompletions);
  }
  return url.origin() + path + url.path.substr(question);
}

RemoteJudge::RemoteJudge(JudgeSettings settings)
    : RemoteJudge(std::move(settings), make_curl_client) {}

RemoteJudge::RemoteJudge(JudgeSettings settings, MakeClient make_client)
    : settings_(std::move(settings)),
      url_(chat_completions_url(settings_.url)),
      make_client_(std::move(make_client)) {
  if (settings_.key.find_first_of("\r\n") != std::string::npos) {
    throw UsageError("SFT_JUDGE_KEY holds a line break; a key is one line");
  }
  if (settings_.model.empty()) {
    throw UsageError("SFT_JUDGE_MODEL names no model");
  }
}

std::vector<JudgeReply> RemoteJudge::ask(std::span<const JudgeCall> calls,
                                         const OnReply& on_reply) {
  std::vector<JudgeReply> replies(calls.size());
  JudgeJob job(settings_, url_, calls);
  const auto number = static_cast<int>(
      std::min(calls.size(), static_cast<size_t>(std::max(1, settings_.num_parallel))));
  const Workers workers(job, number, make_client_);
  for (size_t num_done = 0; num_done < calls.size();) {
    if (settings_.is_stopped && settings_.is_stopped()) {
      throw Interrupted("stopped while the judge was asked; the replies so far are kept");
    }
    if (std::optional<std::pair<size_t, JudgeReply>> reply = job.take()) {
      on_reply(reply->first, reply->second);
      replies[reply->first] = std::move(reply->second);
      ++num_done;
    }
  }
  return replies;
}

}  // namespace sft
