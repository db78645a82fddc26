// The weights of a model folder. Several files come with model.safetensors.index.json:
//     {"metadata": {"total_size": <bytes>}, "weight_map": {"<tensor>": "<file>", ...}}

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "io/tensor_sources.h"

#include "sft/core/error.h"
#include "sft/io/json.h"
#include "sft/io/safetensors.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingleName = "model.safetensors";
constexpr const char* kIndexName = "model.safetensors.index.json";

// Names of tensors and of the shard each is in, as the index says.
using WeightMap = std::vector<std::pair<std::string, std::string>>;

bool is_plain_file_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

WeightMap read_weight_map(const fs::path& index_path) {
  const std::string where = index_path.string();
  const Json map = json_member<Json>(read_json(index_path), "weight_map", where);
  if (!map.is_object() || map.empty()) {
    throw Error(where + ": 'weight_map' is no object of tensor names and files");
  }
  WeightMap weights;
  for (const auto& [tensor, file] : map.get_ref<const Json::object_t&>()) {
    if (!file.is_string() || !is_plain_file_name(file.get_ref<const std::string&>())) {
      throw Error(
          fmt::format("{}: the file of tensor '{}' is {}, must be a name in the same folder", where,
                      tensor, dump_json(file, JsonLayout::kCompact)));
    }
    weights.emplace_back(tensor, file.get<std::string>());
  }
  return weights;
}

// Whether something is there, be it a link that leads nowhere: opening it says what is wrong.
bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

// The hub cache keeps a model's files in <cache>/models--<owner>--<name>/blobs, and makes model
// folders of links to them.
bool is_in_hub_cache(const fs::path& file) {
  const fs::path blobs = file.parent_path();
  return blobs.filename() == "blobs" &&
         blobs.parent_path().filename().string().starts_with("models--");
}

// An index is data from outside: what it names has to be of the model's own folder, or of the hub
// cache, also where the name is that of a link.
void check_shard_place(const fs::path& folder, const std::string& name,
                       const fs::path& index_path) {
  if (!is_there(folder / name)) {
    throw Error(fmt::format("{}: is missing, {} names it; the model is not whole: get it again",
                            (folder / name).string(), index_path.filename().string()));
  }
  std::error_code error;
  const fs::path file = fs::canonical(folder / name, error);
  if (error) {
    throw Error(fmt::format("{}: cannot be opened: {}", (folder / name).string(), error.message()));
  }
  if (file.parent_path() != fs::canonical(folder, error) && !is_in_hub_cache(file)) {
    throw Error(
        fmt::format("{}: is a link to {}, outside the model's folder; put the file itself "
                    "there, or name the folder it is in",
                    (folder / name).string(), file.string()));
  }
}

[[noreturn]] void refuse_folder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    throw Error(folder.string() + ": no such folder; name a model folder in Hugging Face layout");
  }
  for (const char* const name : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (is_there(folder / name)) {
      throw Error(fmt::format("{}: has {} but no {}; save the model as safetensors",
                              folder.string(), name, kSingleName));
    }
  }
  throw Error(fmt::format("{}: has neither {} nor {}; is it a model folder, whole?",
                          folder.string(), kSingleName, kIndexName));
}

uint64_t source_bytes(const TensorSource& tensor) {
  return tensor_bytes(tensor.dtype, tensor.shape).value();
}

std::vector<std::vector<TensorSource>> split_shards(std::vector<TensorSource> tensors,
                                                    uint64_t max_shard_bytes) {
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorSource& a, const TensorSource& b) { return a.name < b.name; });
  std::vector<std::vector<TensorSource>> shards(1);
  uint64_t shard_bytes = 0;
  for (TensorSource& tensor : tensors) {
    if (!shards.back().empty() && shard_bytes + source_bytes(tensor) > max_shard_bytes) {
      shards.emplace_back();
      shard_bytes = 0;
    }
    shard_bytes += source_bytes(tensor);
    shards.back().push_back(std::move(tensor));
  }
  return shards;
}

}  // namespace

SafetensorsFolder::SafetensorsFolder(const fs::path& folder) {
  // transformers, too, prefers the single file.
  if (is_there(folder / kSingleName)) {
    add_file(folder / kSingleName);
  } else if (is_there(folder / kIndexName)) {
    read_shards(folder / kIndexName);
  } else {
    refuse_folder(folder);
  }
}

void SafetensorsFolder::add_file(const fs::path& path) {
  const SafetensorsFile& file = files_.emplace_back(path);
  for (const auto& [name, view] : file.tensors()) {
    if (!tensors_.emplace(name, view).second) {
      throw Error(fmt::format("{}: tensor '{}' is also in {}", path.string(), name,
                              file_of(name).filename().string()));
    }
    file_index_.emplace(name, files_.size() - 1);
  }
}

void SafetensorsFolder::read_shards(const fs::path& index_path) {
  const WeightMap weights = read_weight_map(index_path);
  const fs::path folder = index_path.parent_path();
  std::set<std::string> names;
  for (const auto& [tensor, file] : weights) {
    if (names.insert(file).second) {
      check_shard_place(folder, file, index_path);
    }
  }
  files_.reserve(names.size());
  for (const std::string& name : names) {
    add_file(folder / name);
  }
  for (const auto& [tensor, file] : weights) {
    if (!tensors_.contains(tensor)) {
      throw Error(fmt::format("{}: has no tensor '{}', which {} places there",
                              (folder / file).string(), tensor, index_path.filename().string()));
    }
    if (const fs::path found = file_of(tensor).filename(); found != file) {
      throw Error(fmt::format("{}: places tensor '{}' in {}, it is in {}", index_path.string(),
                              tensor, file, found.string()));
    }
  }
  if (weights.size() != tensors_.size()) {
    const std::set<std::pair<std::string, std::string>> listed(weights.begin(), weights.end());
    for (const auto& [name, index] : file_index_) {
      if (const std::string file = files_[index].path().filename().string();
          !listed.contains({name, file})) {
        throw Error(fmt::format("{}: tensor '{}' is not in {}", files_[index].path().string(), name,
                                index_path.filename().string()));
      }
    }
  }
}

const fs::path& SafetensorsFolder::file_of(const std::string& tensor) const {
  return files_[file_index_.at(tensor)].path();
}

void write_safetensors_folder(const fs::path& folder, std::vector<TensorSource> tensors,
                              uint64_t max_shard_bytes) {
  std::vector<std::vector<TensorSource>> shards = split_shards(std::move(tensors), max_shard_bytes);
  if (shards.size() == 1) {
    write_safetensors(folder / kSingleName, std::move(shards.front()));
    return;
  }
  uint64_t total_bytes = 0;
  Json places = Json::object();
  for (size_t i = 0; i < shards.size(); ++i) {
    const std::string name = fmt::format("model-{:05}-of-{:05}.safetensors", i + 1, shards.size());
    for (const TensorSource& tensor : shards[i]) {
      total_bytes += source_bytes(tensor);
      places.get_ref<Json::object_t&>().emplace_back(tensor.name, name);
    }
    write_safetensors(folder / name, std::move(shards[i]));
  }
  const Json index = {{"metadata", {{"total_size", total_bytes}}}, {"weight_map", places}};
  write_file(folder / kIndexName, dump_json(index, JsonLayout::kIndented));
}

void write_safetensors_folder(const fs::path& folder, std::vector<NamedTensor> tensors,
                              uint64_t max_shard_bytes) {
  write_safetensors_folder(folder, tensor_sources(std::move(tensors)), max_shard_bytes);
}

}  // namespace sft
