#include "sft/text/checkpoint_template.h"

#include "sft/core/log.h"
#include "sft/io/json.h"

namespace sft {

std::optional<Template> recorded_template(const std::filesystem::path& checkpoint) {
  const std::filesystem::path path = checkpoint / "sft.json";
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return std::nullopt;
  }
  const Json json = read_json(path);
  if (!json.is_object() || !json.contains("template") || json["template"].is_null()) {
    return std::nullopt;
  }
  const Json layout = json_member<Json>(json, "template", path.string());
  return Template{.name = json_member<std::string>(layout, "name", path.string()),
                  .turn = json_member<std::string>(layout, "turn", path.string()),
                  .separator = json_member<std::string>(layout, "separator", path.string())};
}

std::optional<Template> choose_template(const std::string& name,
                                        const std::filesystem::path& checkpoint) {
  std::optional<Template> recorded = recorded_template(checkpoint);
  if (name == "auto") {
    return recorded;
  }
  std::optional<Template> chosen;
  if (name != "none") {
    chosen = load_template(name);
  }
  if (recorded.has_value() && (!chosen.has_value() || chosen->turn != recorded->turn)) {
    spdlog::warn("[text] the checkpoint was trained with template {} {}, now used: {}",
                 recorded->name, Json(recorded->turn).dump(),
                 chosen.has_value() ? chosen->name + " " + Json(chosen->turn).dump() : "none");
  }
  return chosen;
}

}  // namespace sft
