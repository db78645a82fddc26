#include "sft/eval/remote_judge.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_judge.h"
#include "http_server.h"
#include "temp_folder.h"

#include "sft/eval/cached_judge.h"
#include "sft/io/json.h"

namespace sft {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

constexpr const char* kKey = "sk-very-secret-0123";

std::string completion(const std::string& text) {
  return dump_json({{"choices", {{{"message", {{"content", text}}}}}},
                    {"usage", {{"prompt_tokens", 7}, {"completion_tokens", 3}}}},
                   JsonLayout::kCompact);
}

// A judge's endpoint whose manners a test chooses: `answer` gets the number of the request (from
// 0) and its body. Keeps what it was asked.
class Endpoint {
 public:
  using Answer = std::function<ServedResponse(size_t number, const Json& body)>;
  explicit Endpoint(Answer answer)
      : answer_(std::move(answer)), server_([this](const ServedRequest& request) {
          size_t number = 0;
          {
            const std::lock_guard guard(mutex_);
            number = requests_.size();
            requests_.push_back(request);
          }
          return answer_(number, parse_json(request.body, "request"));
        }) {}

  std::vector<ServedRequest> requests() const {
    const std::lock_guard guard(mutex_);
    return requests_;
  }
  JudgeSettings settings() const {
    JudgeSettings settings;
    settings.url = server_.url() + "/v1";
    settings.key = kKey;
    settings.model = "some-judge";
    settings.first_pause_seconds = 0.001;
    return settings;
  }

 private:
  Answer answer_;
  mutable std::mutex mutex_;
  std::vector<ServedRequest> requests_;
  HttpServer server_;
};

std::vector<JudgeCall> calls(size_t number) {
  std::vector<JudgeCall> list;
  for (size_t i = 0; i < number; ++i) {
    list.push_back({.system = "Judge.",
                    .user = "call " + std::to_string(i),
                    .temperature = 0,
                    .max_tokens = 5,
                    .top_logprobs = 0});
  }
  return list;
}

std::string user_of(const Json& body) {
  return body["messages"].back()["content"].get<std::string>();
}

std::vector<JudgeReply> ask(const JudgeSettings& settings, size_t number) {
  return RemoteJudge(settings).ask(calls(number), ignore_reply);
}

TEST(ChatCompletionsUrl, StandsBehindTheBase) {
  for (const auto& [base, whole] : std::vector<std::pair<std::string, std::string>>{
           {"https://host", "https://host/v1/chat/completions"},
           {"https://host/", "https://host/v1/chat/completions"},
           {"https://host/v1/", "https://host/v1/chat/completions"},
           {"http://127.0.0.1:8000/api", "http://127.0.0.1:8000/api/chat/completions"},
           {"https://host/x/chat/completions?v=1", "https://host/x/chat/completions?v=1"},
           {"https://host/x?v=1", "https://host/x/chat/completions?v=1"}}) {
    EXPECT_EQ(chat_completions_url(base), whole);
  }
  for (const char* const wrong : {"host/v1", "ftp://host", "https://me:secret@host/v1", ""}) {
    EXPECT_THAT(
        [&] { chat_completions_url(wrong); },
        ThrowsMessage<UsageError>(AllOf(HasSubstr("SFT_JUDGE_URL"), Not(HasSubstr("secret")))));
  }
}

TEST(RemoteJudge, SendsWhatTheFormatAsksFor) {
  Endpoint endpoint([](size_t, const Json&) {
    return ServedResponse{.body = R"({"choices": [{"message": {"content": null}, "logprobs":
      {"content": [{"token": "m", "top_logprobs": [{"token": "m", "logprob": -0.5},
      {"token": "M", "logprob": -2}]}]}}]})"};
  });
  std::vector<JudgeCall> one = calls(1);
  one[0].temperature = 1;
  one[0].top_logprobs = 5;
  const JudgeReply reply = RemoteJudge(endpoint.settings()).ask(one, ignore_reply).at(0);
  const ServedRequest request = endpoint.requests().at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v1/chat/completions");
  EXPECT_EQ(request.header("authorization"), std::string("Bearer ") + kKey);
  EXPECT_EQ(request.body,
            R"({"model": "some-judge", "messages": [{"role": "system", "content": "Judge."}, )"
            R"({"role": "user", "content": "call 0"}], "temperature": 1.0, "max_tokens": 5, )"
            R"("logprobs": true, "top_logprobs": 5})");
  EXPECT_EQ(reply.text, "");
  ASSERT_EQ(reply.first_token.size(), 2);
  EXPECT_EQ(reply.first_token[1].token, "M");
  EXPECT_EQ(reply.first_token[1].logprob, -2);
  EXPECT_EQ(reply.prompt_tokens, -1);  // it does not say
}

TEST(RemoteJudge, AnswersManyCallsInTheirOrder) {
  std::atomic<int> at_once = 0;
  std::atomic<int> most_at_once = 0;
  Endpoint endpoint([&](size_t, const Json& body) {
    most_at_once = std::max(most_at_once.load(), ++at_once);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    --at_once;
    return ServedResponse{.body = completion("to " + user_of(body))};
  });
  JudgeSettings settings = endpoint.settings();
  settings.num_parallel = 4;
  std::vector<int> told(40, 0);
  const std::vector<JudgeReply> replies = RemoteJudge(settings).ask(
      calls(40), [&told](size_t call, const JudgeReply&) { ++told.at(call); });
  for (size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(replies[i].text, "to call " + std::to_string(i));
  }
  EXPECT_EQ(told, std::vector<int>(40, 1));
  EXPECT_GT(most_at_once, 1);
  EXPECT_LE(most_at_once, 4);
  EXPECT_EQ(replies[0].prompt_tokens, 7);
  EXPECT_EQ(replies[0].reply_tokens, 3);
}

TEST(RemoteJudge, TriesAgainWhatMayPass) {
  Endpoint endpoint([](size_t number, const Json&) {
    switch (number) {
      case 0:
        return ServedResponse{.status = 500, .body = "oops"};
      case 1:
        return ServedResponse{
            .status = 429, .headers = {{"Retry-After", "0"}}, .body = "slow down"};
      case 2:
        return ServedResponse{.body = completion("cut"), .cut_after = 9};
      case 3:
        return ServedResponse{.body = "<html>not JSON</html>"};
      case 4:
        return ServedResponse{.body = R"({"error": "a JSON of another kind"})"};
      default:
        return ServedResponse{.body = completion("fine")};
    }
  });
  EXPECT_EQ(ask(endpoint.settings(), 1).at(0).text, "fine");
  EXPECT_EQ(endpoint.requests().size(), 6);
}

TEST(RemoteJudge, WaitsAsLongAsItIsAskedTo) {
  Endpoint endpoint([](size_t number, const Json&) {
    return number == 0 ? ServedResponse{.status = 429, .headers = {{"Retry-After", "0.3"}}}
                       : ServedResponse{.body = completion("fine")};
  });
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(endpoint.settings(), 3).at(0).text, "fine");
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(300));
  Endpoint endless([](size_t, const Json&) {
    return ServedResponse{.status = 429, .headers = {{"Retry-After", "86400"}}, .body = "quota"};
  });
  EXPECT_THAT([&] { ask(endless.settings(), 2); },
              ThrowsMessage<JudgeError>(HasSubstr("answers 429: quota, after 1 tries")));
}

TEST(RemoteJudge, KeepsToTheRate) {
  Endpoint endpoint([](size_t, const Json&) { return ServedResponse{.body = completion("x")}; });
  JudgeSettings settings = endpoint.settings();
  settings.requests_per_minute = 1200;  // one each 50 ms
  const auto start = std::chrono::steady_clock::now();
  ask(settings, 5);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
}

TEST(RemoteJudge, ADeadServerIsSaidAtOnce) {
  JudgeSettings settings;
  settings.url = "http://127.0.0.1:9/v1";
  settings.model = "some-judge";
  EXPECT_THAT(
      [&] { ask(settings, 20); },
      ThrowsMessage<JudgeError>(AllOf(HasSubstr("cannot be reached"), HasSubstr("SFT_JUDGE_URL"))));
}

TEST(RemoteJudge, AServerThatNeverRecoversEndsTheWork) {
  Endpoint endpoint([](size_t, const Json&) { return ServedResponse{.status = 503, .body = "x"}; });
  EXPECT_THAT([&] { ask(endpoint.settings(), 20); },
              ThrowsMessage<JudgeError>(HasSubstr("answers 503: x, after 6 tries")));
}

// Also where the server sends the key back.
TEST(RemoteJudge, TheKeyIsNeverTold) {
  for (const int status : {401, 403, 404, 400, 200, 500}) {
    Endpoint endpoint([status](size_t, const Json&) {
      return ServedResponse{.status = status, .body = std::string("bad key ") + kKey};
    });
    JudgeSettings settings = endpoint.settings();
    settings.most_tries = 1;
    std::string said;
    try {
      said = ask(settings, 1).at(0).failure;
    } catch (const JudgeError& error) {
      said = error.what();
    }
    EXPECT_THAT(said, AllOf(HasSubstr("bad key ***"), Not(HasSubstr("secret")))) << status;
  }
}

TEST(RemoteJudge, RefusalsSayWhatToSet) {
  const auto refusal = [](int status, const std::string& key) {
    Endpoint endpoint(
        [status](size_t, const Json&) { return ServedResponse{.status = status, .body = "no"}; });
    JudgeSettings settings = endpoint.settings();
    settings.key = key;
    try {
      ask(settings, 3);
    } catch (const JudgeError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal(401, ""), HasSubstr("set SFT_JUDGE_KEY to a key that it takes"));
  EXPECT_THAT(refusal(403, "k"), HasSubstr("SFT_JUDGE_KEY is set, but to a key that it refuses"));
  EXPECT_THAT(refusal(404, "k"), HasSubstr("SFT_JUDGE_MODEL 'some-judge'"));
  EXPECT_THAT(refusal(301, "k"), HasSubstr("SFT_JUDGE_URL"));
}

TEST(RemoteJudge, ACallOfItsOwnFaultFailsAlone) {
  Endpoint endpoint([](size_t, const Json& body) {
    return user_of(body) == "call 1" ? ServedResponse{.status = 400, .body = "too long"}
                                     : ServedResponse{.body = completion("fine")};
  });
  const std::vector<JudgeReply> replies = ask(endpoint.settings(), 3);
  EXPECT_EQ(replies[0].text, "fine");
  EXPECT_THAT(replies[1].failure, HasSubstr("answers 400: too long"));
  EXPECT_EQ(endpoint.requests().size(), 3);
}

TEST(RemoteJudge, NonsenseInEveryCallEndsTheWork) {
  Endpoint endpoint([](size_t, const Json&) { return ServedResponse{.body = "{}"}; });
  EXPECT_THAT([&] { ask(endpoint.settings(), 200); },
              ThrowsMessage<JudgeError>(HasSubstr("no chat completion")));
  EXPECT_LT(endpoint.requests().size(), 100);
  EXPECT_THAT(ask(endpoint.settings(), 2).at(1).failure, HasSubstr("no chat completion"));
}

TEST(RemoteJudge, StopsWhereItIsAskedTo) {
  std::atomic<bool> is_stopped = false;
  Endpoint endpoint([&is_stopped](size_t, const Json&) {
    is_stopped = true;
    return ServedResponse{.status = 429, .headers = {{"Retry-After", "200"}}};
  });
  JudgeSettings settings = endpoint.settings();
  settings.is_stopped = [&is_stopped] { return is_stopped.load(); };
  EXPECT_THROW(ask(settings, 4), Interrupted);
}

TEST(RemoteJudge, RefusesSettingsThatCannotWork) {
  JudgeSettings settings;
  settings.url = "https://host/v1";
  EXPECT_THROW(RemoteJudge{settings}, UsageError);
  settings.model = "m";
  settings.key = "a\nb";
  EXPECT_THROW(RemoteJudge{settings}, UsageError);
}

TEST(CachedJudge, AsksNothingTwice) {
  const TempFolder folder;
  FakeJudge judge([](const JudgeCall& call) {
    if (call.user == "call 2") {
      JudgeReply reply;
      reply.failure = "too long";
      return reply;
    }
    return says("to " + call.user, {{.token = "M", .logprob = -0.25}});
  });
  std::vector<JudgeCall> some = calls(3);
  some.push_back(some[0]);
  {
    CachedJudge cached(judge, "https://host", folder.path());
    const std::vector<JudgeReply> replies = cached.ask(some, ignore_reply);
    EXPECT_EQ(replies[3].text, "to call 0");
    EXPECT_TRUE(replies[3].is_remembered);
    EXPECT_EQ(judge.seen.size(), 3);
  }
  CachedJudge cached(judge, "https://host", folder.path());
  int told = 0;
  const std::vector<JudgeReply> replies =
      cached.ask(some, [&told](size_t, const JudgeReply&) { ++told; });
  EXPECT_EQ(told, 4);
  EXPECT_EQ(judge.seen.size(), 4);  // the failed one once more
  EXPECT_TRUE(replies[1].is_remembered);
  EXPECT_EQ(replies[1].text, "to call 1");
  EXPECT_EQ(replies[1].first_token.at(0).token, "M");
  EXPECT_EQ(replies[1].first_token.at(0).logprob, -0.25);
  EXPECT_EQ(replies[1].prompt_tokens, 100);
}

TEST(CachedJudge, WhatDiffersIsAskedAnew) {
  const TempFolder folder;
  FakeJudge judge([](const JudgeCall& call) { return says(call.user); });
  const std::vector<JudgeCall> one = calls(1);
  std::vector<JudgeCall> other = one;
  CachedJudge(judge, "https://host", folder.path()).ask(one, ignore_reply);
  other[0].max_tokens = 6;
  CachedJudge(judge, "https://host", folder.path()).ask(other, ignore_reply);
  CachedJudge(judge, "https://elsewhere", folder.path()).ask(one, ignore_reply);
  EXPECT_EQ(judge.seen.size(), 3);
}

// A run that ends in the middle keeps the replies that it had.
TEST(CachedJudge, KeepsRepliesAsTheyCome) {
  const TempFolder folder;
  FakeJudge judge([](const JudgeCall& call) {
    if (call.user == "call 2") {
      throw JudgeError("down");
    }
    return says("to " + call.user);
  });
  EXPECT_THROW(CachedJudge(judge, "u", folder.path()).ask(calls(3), ignore_reply), JudgeError);
  judge.seen.clear();
  CachedJudge(judge, "u", folder.path()).ask(calls(2), ignore_reply);
  EXPECT_TRUE(judge.seen.empty());
}

}  // namespace
}  // namespace sft
