#include "sft/text/template.h"

#include <optional>
#include <string_view>
#include <utility>

#include "sft/core/config_node.h"
#include "sft/core/error.h"
#include "sft/core/resources.h"

namespace sft {
namespace {

constexpr std::string_view kInstruction = "{instruction}";
constexpr std::string_view kResponse = "{response}";

// A template's turn, cut at its two fields. Text that is put in is never searched for fields.
struct TurnParts {
  std::string_view before;   // {instruction}; all that comes before {response} where there is none
  std::string_view between;  // {instruction} and {response}
  std::string_view behind;   // {response}
  bool has_instruction;
};

TurnParts parts_of(const Template& layout) {
  const std::string_view turn = layout.turn;
  const size_t response = turn.find(kResponse);
  SFT_CHECK(response != std::string_view::npos);
  const std::string_view behind = turn.substr(response + kResponse.size());
  const std::string_view head = turn.substr(0, response);
  const size_t instruction = head.find(kInstruction);
  if (instruction == std::string_view::npos) {
    return {head, {}, behind, /*has_instruction=*/false};
  }
  return {head.substr(0, instruction), head.substr(instruction + kInstruction.size()), behind,
          /*has_instruction=*/true};
}

void append_prompt(const TurnParts& parts, const Turn& turn, std::string& text) {
  text += parts.before;
  if (parts.has_instruction) {
    text += turn.instruction;
  }
  text += parts.between;
}

// Where the text ends without the spaces behind `begin`.
size_t trimmed_end(const std::string& text, size_t begin) {
  size_t end = text.size();
  while (end > begin && text[end - 1] == ' ') {
    --end;
  }
  return end;
}

size_t count_of(std::string_view text, std::string_view field) {
  size_t count = 0;
  for (size_t at = text.find(field); at != std::string_view::npos; at = text.find(field, at + 1)) {
    ++count;
  }
  return count;
}

void check_turn(const ConfigNode& node, std::string_view turn) {
  if (count_of(turn, kResponse) != 1) {
    node.fault("a turn holds {response} exactly once");
  } else if (count_of(turn, kInstruction) > 1) {
    node.fault("a turn holds {instruction} at most once");
  } else if (count_of(turn, kInstruction) == 1 && turn.find(kInstruction) > turn.find(kResponse)) {
    node.fault("{instruction} comes before {response}");
  }
}

}  // namespace

Template load_template(const std::string& name_or_path) {
  const ConfigNode root = ConfigNode::load(find_config("template", "templates", name_or_path));
  Template layout{.name = {}, .turn = {}, .separator = std::string(1, '\n')};
  root.require("name");
  root.require("turn");
  root.read("name", layout.name);
  root.read("turn", layout.turn);
  root.read("separator", layout.separator);
  if (!root.at("turn").is_null()) {
    check_turn(root.at("turn"), layout.turn);
  }
  root.finish();
  root.check();
  return layout;
}

LaidOutSample lay_out_sample(const Template& layout, const std::vector<Turn>& turns) {
  const TurnParts parts = parts_of(layout);
  LaidOutSample sample;
  for (const Turn& turn : turns) {
    if (!sample.responses.empty()) {
      sample.text += layout.separator;
    }
    const size_t turn_begin = sample.text.size();
    append_prompt(parts, turn, sample.text);
    sample.prompt_ends.push_back(trimmed_end(sample.text, turn_begin));
    const size_t response_begin = sample.text.size();
    sample.text += turn.response;
    sample.responses.push_back({response_begin, sample.text.size()});
    sample.text += parts.behind;
  }
  return sample;
}

std::string lay_out_prompt(const Template& layout, const std::vector<Turn>& turns, PromptEnd end) {
  const TurnParts parts = parts_of(layout);
  std::string text;
  for (size_t i = 0; i < turns.size(); ++i) {
    if (i > 0) {
      text += layout.separator;
    }
    const size_t turn_begin = text.size();
    append_prompt(parts, turns[i], text);
    if (i + 1 < turns.size()) {
      text += turns[i].response;
      text += parts.behind;
    } else if (end == PromptEnd::kTrimmed) {
      text.resize(trimmed_end(text, turn_begin));
    }
  }
  return text;
}

}  // namespace sft
