#include "text/post_processor.h"

#include <fmt/format.h>

#include "text/json_field.h"
#include "text/shown_token.h"
#include "text/token_fields.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int kDeepest = 16;  // Sequences in Sequences

void read_template(const Json& processor, const std::string& place,
                   std::vector<int32_t>& prefix_ids) {
  const Json tokens = field_or<Json>(processor, "special_tokens", Json::object(), place);
  std::vector<int32_t> prefix;
  for (const Json& item : list_field(processor, "single", place)) {
    if (!item.is_object() || !item.contains("SpecialToken")) {
      break;
    }
    const auto name = json_member<std::string>(item["SpecialToken"], "id", place);
    const Json token = json_member<Json>(tokens, name, place);
    for (const Json& id : list_field(token, "ids", place)) {
      if (!id.is_number_integer()) {
        throw Error(fmt::format("{}: an id of '{}' is no integer", place, shown(name)));
      }
      prefix.push_back(checked_token_id(id.get<int64_t>(), shown(name), place));
    }
  }
  // The processors of a Sequence wrap what those before them made.
  prefix_ids.insert(prefix_ids.begin(), prefix.begin(), prefix.end());
}

void read_processor(const Json& processor, const std::string& place, int depth,
                    std::vector<int32_t>& prefix_ids) {
  if (processor.is_null()) {
    return;
  }
  const auto type = json_member<std::string>(processor, "type", place);
  if (type == "Sequence" && depth < kDeepest) {
    for (const Json& item : list_field(processor, "processors", place)) {
      read_processor(item, place, depth + 1, prefix_ids);
    }
  } else if (type == "TemplateProcessing") {
    read_template(processor, place, prefix_ids);
  } else if (type != "ByteLevel") {
    throw Error(fmt::format(
        "{}: '{}' is not supported (known: TemplateProcessing, ByteLevel, Sequence)", place, type));
  }
}

}  // namespace

std::vector<int32_t> load_prefix_ids(const Json& spec, const std::string& where) {
  std::vector<int32_t> prefix_ids;
  read_processor(spec, where, 0, prefix_ids);
  return prefix_ids;
}

}  // namespace sft
