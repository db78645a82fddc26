#include "sft/eval/cached_judge.h"

#include <map>

#include "eval/chat_completion.h"
#include "eval/keyed_rows.h"

#include "sft/io/sha256.h"

namespace sft {
namespace {

Json to_members(const JudgeReply& reply) {
  Json first_token = Json::array();
  for (const TokenLogprob& token : reply.first_token) {
    first_token.push_back({token.token, token.logprob});
  }
  return {{"text", reply.text},
          {"first_token", std::move(first_token)},
          {"prompt_tokens", reply.prompt_tokens},
          {"reply_tokens", reply.reply_tokens}};
}

// None for a row of another kind.
std::optional<JudgeReply> from_members(const Json& row, const std::string& where) {
  try {
    JudgeReply reply;
    reply.text = json_member<std::string>(row, "text", where);
    for (const Json& token : json_member<Json>(row, "first_token", where)) {
      reply.first_token.push_back(
          {.token = token.at(0).get<std::string>(), .logprob = token.at(1).get<double>()});
    }
    reply.prompt_tokens = json_member<int64_t>(row, "prompt_tokens", where);
    reply.reply_tokens = json_member<int64_t>(row, "reply_tokens", where);
    reply.is_remembered = true;
    return reply;
  } catch (const Error&) {
    return std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

CachedJudge::CachedJudge(JudgeModel& judge, const std::string& url,
                         const std::filesystem::path& folder)
    : judge_(judge), rows_(std::make_unique<KeyedRows>(folder, url + "\n" + judge.name())) {}

CachedJudge::~CachedJudge() = default;

std::vector<JudgeReply> CachedJudge::ask(std::span<const JudgeCall> calls,
                                         const OnReply& on_reply) {
  std::vector<JudgeReply> replies(calls.size());
  std::vector<JudgeCall> open;
  std::vector<std::string> keys;
  std::vector<std::vector<size_t>> places;  // among `calls`, of each open one
  std::map<std::string, size_t> known;      // the open call of a key
  for (size_t i = 0; i < calls.size(); ++i) {
    const std::string key = sha256_hex(chat_request_body(judge_.name(), calls[i]));
    if (const auto same = known.find(key); same != known.end()) {
      places[same->second].push_back(i);
      continue;
    }
    const std::optional<Json> row = rows_->find(key);
    if (std::optional<JudgeReply> reply =
            row ? from_members(*row, rows_->path().string()) : std::nullopt) {
      replies[i] = std::move(*reply);
      on_reply(i, replies[i]);
      continue;
    }
    known.emplace(key, open.size());
    open.push_back(calls[i]);
    keys.push_back(key);
    places.push_back({i});
  }
  if (open.empty()) {
    return replies;
  }
  judge_.ask(open, [&](size_t call, const JudgeReply& reply) {
    if (reply.failure.empty()) {
      rows_->append(keys[call], to_members(reply));
    }
    for (const size_t place : places[call]) {
      replies[place] = reply;
      // Asked once, whoever wanted it.
      replies[place].is_remembered = place != places[call].front();
      on_reply(place, replies[place]);
    }
  });
  return replies;
}

}  // namespace sft
