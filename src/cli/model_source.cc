#include "cli/model_source.h"

#include "cli/model_names.h"

#include "sft/core/error.h"
#include "sft/hub/hub_id.h"
#include "sft/model/adapter.h"

namespace sft {
namespace {

std::filesystem::path base_of(const AdapterFolder& adapter, const CommonOptions& common) {
  if (const auto base = find_base(adapter); base.has_value()) {
    return *base;
  }
  const std::string name = base_name_of(adapter);
  std::string reason;
  if (parse_hub_id(name).has_value()) {
    try {
      return resolve_model_folder(name, common);
    } catch (const UsageError&) {
      throw;
    } catch (const Error& fault) {
      reason = std::string("; ") + fault.what();
    }
  }
  throw Error(adapter.path.string() + ": is an adapter " +
              (name.empty() ? "that does not name its base"
                            : "whose base '" + name + "' is no model folder here") +
              "; give the base with --ckpt and this folder with --adapter" + reason);
}

}  // namespace

ModelSource resolve_model(const std::string& checkpoint, const std::string& adapter,
                          const CommonOptions& common) {
  const std::filesystem::path folder = resolve_model_folder(checkpoint, common);
  if (!is_adapter_folder(folder)) {
    if (adapter.empty()) {
      return {.name = checkpoint, .base = folder, .adapter = {}};
    }
    return {.name = adapter, .base = folder, .adapter = resolve_model_folder(adapter, common)};
  }
  if (!adapter.empty()) {
    throw UsageError("--ckpt " + checkpoint + " is an adapter itself, and so is --adapter " +
                     adapter + "; give the model that the adapter was trained on as --ckpt");
  }
  return {
      .name = checkpoint, .base = base_of(read_adapter_folder(folder), common), .adapter = folder};
}

}  // namespace sft
