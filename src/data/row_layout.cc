#include "data/row_layout.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/table.h"

namespace sft {
namespace {

constexpr size_t kMostColumnsShown = 20;

std::vector<std::string> columns_of(const Json& row) {
  std::vector<std::string> columns;
  for (const auto& [column, value] : row.items()) {
    columns.push_back(column);
  }
  return columns;
}

std::string columns_text(const Json& row) {
  std::string text;
  size_t shown = 0;
  for (const auto& [column, value] : row.items()) {
    if (shown == kMostColumnsShown) {
      return text + ", ...";
    }
    text += (shown == 0 ? "" : ", ") + column;
    ++shown;
  }
  return text.empty() ? "none" : text;
}

std::string kind_of(const Json& value) {
  if (value.is_null() || value.is_number()) {
    return value.dump();
  }
  if (value.is_boolean()) {
    return value.get<bool>() ? "true" : "false";
  }
  return value.is_array() ? "a list" : value.is_object() ? "an object" : "a text";
}

const Json& member(const Json& row, const std::string& column, const std::string& where) {
  if (const auto found = row.find(column); found != row.end()) {
    return *found;
  }
  const std::string nearest = nearest_name(column, columns_of(row));
  throw Error(fmt::format("{}: no column '{}'{}; the row has: {}", where, column,
                          nearest.empty() ? "" : " (did you mean '" + nearest + "'?)",
                          columns_text(row)));
}

// A text; null is an empty one, as JSON writers have it for an absent value.
std::string text_of(const Json& value, const std::string& what, const std::string& where) {
  if (value.is_null()) {
    return {};
  }
  if (!value.is_string()) {
    throw Error(fmt::format("{}: '{}' is {}, must be a text", where, what, kind_of(value)));
  }
  return value.get<std::string>();
}

std::string optional_text(const Row& row, const std::string& column) {
  if (column.empty() || !row.value.contains(column)) {
    return {};
  }
  return text_of(row.value.at(column), column, row.where);
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
}

std::string joined(const std::string& first, const std::string& second) {
  return second.empty() ? first : first.empty() ? second : first + "\n" + second;
}

std::vector<Turn> read_history(const Row& row, const std::string& column) {
  std::vector<Turn> turns;
  if (column.empty() || !row.value.contains(column) || row.value.at(column).is_null()) {
    return turns;
  }
  const Json& history = row.value.at(column);
  const auto refuse = [&](const Json& value) {
    throw Error(fmt::format("{}: '{}' holds {}, must be a list of [user, assistant] pairs",
                            row.where, column, kind_of(value)));
  };
  if (!history.is_array()) {
    refuse(history);
  }
  for (const Json& pair : history) {
    if (!pair.is_array() || pair.size() != 2) {
      refuse(pair);
    }
    turns.push_back({.instruction = text_of(pair[0], column, row.where),
                     .response = text_of(pair[1], column, row.where)});
  }
  return turns;
}

std::optional<std::vector<Turn>> read_turns(const FieldsLayout& layout, const Row& row) {
  std::vector<Turn> turns = read_history(row, layout.history);
  Turn last;
  last.response =
      text_of(member(row.value, layout.response, row.where), layout.response, row.where);
  if (!layout.instruction.empty()) {
    last.instruction =
        text_of(member(row.value, layout.instruction, row.where), layout.instruction, row.where);
    // An empty instruction stays empty, so that the row is dropped as one.
    if (!is_blank(last.instruction)) {
      last.instruction = joined(last.instruction, optional_text(row, layout.input));
    }
  }
  turns.push_back(std::move(last));
  return turns;
}

struct Message {
  std::string role;
  std::string content;
};

std::vector<Message> read_messages(const MessagesLayout& layout, const Row& row) {
  const Json& list = member(row.value, layout.field, row.where);
  if (!list.is_array()) {
    throw Error(fmt::format("{}: '{}' is {}, must be a list of messages", row.where, layout.field,
                            kind_of(list)));
  }
  std::vector<Message> messages;
  for (const Json& message : list) {
    const std::string where = fmt::format("{}: {}[{}]", row.where, layout.field, messages.size());
    if (message.is_string()) {
      messages.push_back({.role = messages.size() % 2 == 0 ? layout.user : layout.assistant,
                          .content = message.get<std::string>()});
      continue;
    }
    if (!message.is_object()) {
      throw Error(fmt::format("{}: is {}, must be an object or a text", where, kind_of(message)));
    }
    messages.push_back(
        {.role = text_of(member(message, layout.role, where), layout.role, where),
         .content = text_of(member(message, layout.content, where), layout.content, where)});
  }
  return messages;
}

// None where the roles do not alternate, from the user's to the assistant's.
std::optional<std::vector<Turn>> read_turns(const MessagesLayout& layout, const Row& row) {
  std::vector<Message> messages = read_messages(layout, row);
  std::string system;
  if (!messages.empty() && messages.front().role == "system") {
    system = std::move(messages.front().content);
    messages.erase(messages.begin());
  }
  const bool is_first_only = layout.turns == MessagesLayout::Turns::kFirst;
  if (is_first_only && messages.size() > 2) {
    messages.resize(2);
  }
  if (messages.empty() || messages.size() % 2 != 0) {
    return std::nullopt;
  }
  std::vector<Turn> turns;
  for (size_t i = 0; i < messages.size(); i += 2) {
    if (messages[i].role != layout.user || messages[i + 1].role != layout.assistant) {
      return std::nullopt;
    }
    turns.push_back({.instruction = std::move(messages[i].content),
                     .response = std::move(messages[i + 1].content)});
  }
  if (!is_blank(turns.front().instruction)) {
    turns.front().instruction = joined(system, turns.front().instruction);
  }
  return turns;
}

bool has_instructions(const RowLayout& layout) {
  const auto* const fields = std::get_if<FieldsLayout>(&layout);
  return fields == nullptr || !fields->instruction.empty();
}

// Messages under `field`, with the names of roles that the first one's keys tell.
std::optional<RowLayout> recognise_messages(const Json& row, const std::string& field) {
  if (!row.contains(field) || !row.at(field).is_array() || row.at(field).empty()) {
    return std::nullopt;
  }
  const Json& first = row.at(field).front();
  if (first.is_string()) {
    return MessagesLayout{.field = field};
  }
  if (first.contains("from") && first.contains("value")) {
    return MessagesLayout{
        .field = field, .role = "from", .content = "value", .user = "human", .assistant = "gpt"};
  }
  if (first.contains("role") && first.contains("content")) {
    return MessagesLayout{.field = field};
  }
  return std::nullopt;
}

// The text of a value as a recipe's `keep` and `drop` write it.
std::string rule_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// The column that a rule means where the file has none of that name: a role's.
std::string column_of_role(const std::string& role, const RowLayout& layout) {
  const auto* const fields = std::get_if<FieldsLayout>(&layout);
  if (fields == nullptr) {
    return {};
  }
  return role == "instruction" ? fields->instruction
         : role == "input"     ? fields->input
         : role == "response"  ? fields->response
                               : "";
}

}  // namespace

void check_object(const Row& row) {
  if (!row.value.is_object()) {
    throw Error(fmt::format("{}: is {}, must be an object", row.where, kind_of(row.value)));
  }
}

RowLayout recognise_layout(const Row& row) {
  const Json& value = row.value;
  const auto has = [&](const char* column) { return value.contains(column); };
  if (has("instruction") && has("output")) {
    return FieldsLayout{
        .instruction = "instruction", .input = "input", .response = "output", .history = "history"};
  }
  if (has("prompt") && has("completion")) {
    return FieldsLayout{
        .instruction = "prompt", .input = {}, .response = "completion", .history = {}};
  }
  for (const char* const field : {"messages", "conversations"}) {
    if (auto layout = recognise_messages(value, field)) {
      return *layout;
    }
  }
  if (has("text")) {
    return FieldsLayout{.instruction = {}, .input = {}, .response = "text", .history = {}};
  }
  throw Error(fmt::format(
      "{}: the columns {} are no known layout (instruction/output, prompt/completion, messages, "
      "conversations, text); say what they are with 'fields' or 'messages' in a dataset file",
      row.where, columns_text(value)));
}

std::variant<std::vector<Turn>, DropReason> map_row(const RowLayout& layout, const Row& row) {
  auto turns = std::visit([&](const auto& kind) { return read_turns(kind, row); }, layout);
  if (!turns) {
    return DropReason::kRoles;
  }
  if (std::ranges::any_of(*turns, is_blank, &Turn::response)) {
    return DropReason::kEmptyResponse;
  }
  if (has_instructions(layout) && std::ranges::any_of(*turns, is_blank, &Turn::instruction)) {
    return DropReason::kEmptyInstruction;
  }
  return std::move(*turns);
}

bool matches_rule(const ValueRule& rule, const RowLayout& layout, const Row& row) {
  std::string column = rule.column;
  if (const std::string role = column_of_role(column, layout);
      !role.empty() && !row.value.contains(column)) {
    column = role;
  }
  const std::string text = rule_text(member(row.value, column, row.where));
  return std::ranges::find(rule.values, text) != rule.values.end();
}

}  // namespace sft
