#include "eval/chat_completion.h"

#include "sft/io/json.h"

namespace sft {
namespace {

constexpr const char* kWhere = "the answer";

// A member that may be absent or null: then null.
Json member_or_null(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  return object.is_object() && found != object.end() ? *found : Json(nullptr);
}

// The likeliest first tokens; none where the judge does not tell.
std::vector<TokenLogprob> first_token(const Json& choice) {
  const Json content = member_or_null(member_or_null(choice, "logprobs"), "content");
  std::vector<TokenLogprob> tokens;
  if (!content.is_array() || content.empty()) {
    return tokens;
  }
  const Json likeliest = member_or_null(content.front(), "top_logprobs");
  if (likeliest.is_array()) {
    for (const Json& token : likeliest) {
      tokens.push_back({.token = json_member<std::string>(token, "token", kWhere),
                        .logprob = json_member<double>(token, "logprob", kWhere)});
    }
  }
  return tokens;
}

int64_t count_or_unknown(const Json& usage, const std::string& key) {
  const Json count = member_or_null(usage, key);
  return count.is_number_integer() && count.get<int64_t>() >= 0 ? count.get<int64_t>() : -1;
}

}  // namespace

std::string chat_request_body(const std::string& model, const JudgeCall& call) {
  Json messages = Json::array();
  if (!call.system.empty()) {
    messages.push_back({{"role", "system"}, {"content", call.system}});
  }
  messages.push_back({{"role", "user"}, {"content", call.user}});
  Json body = {{"model", model},
               {"messages", std::move(messages)},
               {"temperature", call.temperature},
               {"max_tokens", call.max_tokens}};
  if (call.top_logprobs > 0) {
    body["logprobs"] = true;
    body["top_logprobs"] = call.top_logprobs;
  }
  return dump_json(body, JsonLayout::kCompact);
}

JudgeReply parse_chat_reply(const std::string& body) {
  const Json json = parse_json(body, kWhere);
  const Json choices = json_member<Json>(json, "choices", kWhere);
  if (!choices.is_array() || choices.empty()) {
    throw Error(std::string(kWhere) + ": 'choices' must be a list with an element");
  }
  const Json message = json_member<Json>(choices.front(), "message", kWhere);
  JudgeReply reply;
  if (!member_or_null(message, "content").is_null()) {
    reply.text = json_member<std::string>(message, "content", kWhere);
  }
  reply.first_token = first_token(choices.front());
  const Json usage = member_or_null(json, "usage");
  reply.prompt_tokens = count_or_unknown(usage, "prompt_tokens");
  reply.reply_tokens = count_or_unknown(usage, "completion_tokens");
  return reply;
}

}  // namespace sft
