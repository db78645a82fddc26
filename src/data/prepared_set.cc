#include "sft/data/prepared_set.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "data/file_hashes.h"
#include "data/set_builder.h"
#include "data/set_json.h"

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/json.h"
#include "sft/io/sha256.h"
#include "sft/text/tokenizer_hash.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// Raised with every change of what a set's files hold for the same key.
constexpr int kSetVersion = 1;

DatasetInput find_input(const std::string& name, const PrepareOptions& options,
                        const FileHashes& hashes) {
  DatasetInput input;
  input.spec = load_dataset_spec(name);
  input.files = find_dataset_files(input.spec, options.fetch);
  input.summary.name = input.spec.name;
  input.summary.recipe_sha256 = sha256_hex(recipe_json(input.spec).dump());
  for (const DatasetFile& file : input.files) {
    input.summary.files.push_back(
        {.name = file.name, .bytes = fs::file_size(file.path), .sha256 = hashes.sha256(file.path)});
  }
  return input;
}

// The entries of fits_tokenizers and the run's own, each once, by hash: their order decides
// nothing.
std::vector<TokenizerSource> find_tokenizers(const DataConfig& config, const TokenizerSource& own,
                                             const PrepareOptions& options) {
  std::vector<TokenizerSource> sources = {own};
  for (const std::string& name : config.fits_tokenizers) {
    try {
      sources.push_back(options.find_tokenizer(name));
    } catch (const Error& error) {
      throw Error(fmt::format(
          "data.fits_tokenizers: '{}': {}; only its tokenizer files are needed (to leave it out "
          "would draw another set than with it)",
          name, error.what()));
    }
  }
  std::ranges::stable_sort(sources, {}, &TokenizerSource::sha256);
  const auto is_same = [](const TokenizerSource& one, const TokenizerSource& other) {
    return one.sha256 == other.sha256;
  };
  sources.erase(std::unique(sources.begin(), sources.end(), is_same), sources.end());
  return sources;
}

SetInputs find_inputs(const DataConfig& config, const TokenizerSource& own,
                      const PrepareOptions& options) {
  SetInputs inputs;
  inputs.layout = load_template(config.layout);
  inputs.tokenizers = find_tokenizers(config, own, options);
  const FileHashes hashes(options.home / "hashes");
  std::set<std::string> names;
  for (const std::string& name : config.datasets) {
    inputs.datasets.push_back(find_input(name, options, hashes));
    if (!names.insert(inputs.datasets.back().spec.name).second) {
      throw UsageError(
          fmt::format("data.datasets: two datasets are called '{}', the second by '{}'; give it "
                      "another name",
                      inputs.datasets.back().spec.name, name));
    }
  }
  for (const std::string& name : config.validation.datasets) {
    inputs.validation_datasets.push_back(find_input(name, options, hashes));
  }
  return inputs;
}

Json inputs_json(const std::vector<DatasetInput>& inputs) {
  Json list = Json::array();
  for (const DatasetInput& input : inputs) {
    list.push_back({{"name", input.spec.name},
                    {"recipe", recipe_json(input.spec)},
                    {"files", source_files_json(input.summary.files)}});
  }
  return list;
}

// Everything that decides a set.
Json key_json(const DataConfig& config, const SetInputs& inputs) {
  Json tokenizers = Json::array();
  for (const TokenizerSource& source : inputs.tokenizers) {
    tokenizers.push_back(source.sha256);
  }
  return {{"version", kSetVersion},
          {"datasets", inputs_json(inputs.datasets)},
          {"samples", config.samples},
          {"samples_at_most", config.samples_at_most},
          {"seed", config.seed},
          {"shuffle", config.shuffle},
          {"validation",
           {{"datasets", inputs_json(inputs.validation_datasets)},
            {"fraction", config.validation.fraction}}},
          {"template", {{"turn", inputs.layout.turn}, {"separator", inputs.layout.separator}}},
          {"max_length", config.max_length},
          {"tokenizers", std::move(tokenizers)}};
}

// Hashes of the set's own files, so that one that was cut or edited is not trained on.
Json content_json(const PreparedSet& set, const FileHashes& hashes) {
  Json content = {{"train.jsonl", hashes.sha256(set.training())}};
  std::error_code error;
  if (fs::exists(set.validation(), error)) {
    content["validation.jsonl"] = hashes.sha256(set.validation());
  }
  return content;
}

// Whether the set lies there whole; then it is read.
bool find_set(const FileHashes& hashes, PreparedSet& set) {
  const fs::path path = set.folder / "set.json";
  std::error_code error;
  if (!fs::exists(path, error)) {
    return false;
  }
  try {
    const Json json = read_json(path);
    if (json_member<Json>(json, "content", path.string()) == content_json(set, hashes)) {
      read_set_json(json, path.string(), set);
      return true;
    }
    spdlog::warn("[data] {}: the prepared set has been changed; it is made again",
                 set.folder.string());
  } catch (const Error& problem) {
    spdlog::warn("[data] the prepared set is made again: {}", problem.what());
  }
  set.datasets.clear();
  set.validation_datasets.clear();
  set.lengths.clear();
  return false;
}

}  // namespace

void TokenCounts::add(int64_t sample_tokens, int64_t sample_targets) {
  ++samples;
  tokens += sample_tokens;
  targets += sample_targets;
  max_tokens = std::max(max_tokens, sample_tokens);
  const auto width = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(sample_tokens)));
  ++by_length.at(std::min(width, by_length.size() - 1));
}

DataSize TokenCounts::data_size() const {
  const auto count = static_cast<double>(std::max<int64_t>(samples, 1));
  return {.samples = samples,
          .mean_tokens = static_cast<double>(tokens) / count,
          .mean_response_tokens = static_cast<double>(targets) / count,
          .max_tokens = max_tokens};
}

TokenizerSource tokenizer_source(const std::string& name, const fs::path& path) {
  return {.name = name, .sha256 = tokenizer_sha256(path), .load = [path] {
            return std::shared_ptr<const Tokenizer>(load_tokenizer(path));
          }};
}

const SetLengths& PreparedSet::lengths_of(const std::string& tokenizer_sha256) const {
  const auto found = std::ranges::find(lengths, tokenizer_sha256, &SetLengths::tokenizer_sha256);
  if (found == lengths.end()) {
    throw Error(folder.string() + ": the set was not measured by this tokenizer");
  }
  return *found;
}

PreparedSet find_or_prepare_set(const DataConfig& config, const TokenizerSource& own,
                                const PrepareOptions& options) {
  const SetInputs inputs = find_inputs(config, own, options);
  const Json key = key_json(config, inputs);
  const FileHashes hashes(options.home / "hashes");
  PreparedSet set;
  set.sha256 = sha256_hex(key.dump());
  set.folder = options.home / "data" / set.sha256;
  if (find_set(hashes, set)) {
    return set;
  }
  set.is_new = true;
  AtomicFolder folder(set.folder, AtomicFolder::Existing::kReplace);
  build_set(config, inputs, options, folder.staging(), set);
  const fs::path final_folder = std::exchange(set.folder, folder.staging());
  Json json = set_json(set, key);
  json["content"] = content_json(set, hashes);
  write_file(set.folder / "set.json", dump_json(json, JsonLayout::kIndented));
  set.folder = final_folder;
  folder.commit();
  return set;
}

std::string sample_line(const Sample& sample) {
  Json turns = Json::array();
  for (const Turn& turn : sample.turns) {
    turns.push_back({turn.instruction, turn.response});
  }
  return dump_json({{"id", sample.id},
                    {"turns", std::move(turns)},
                    {"dataset", sample.dataset},
                    {"source", sample.source}},
                   JsonLayout::kCompact);
}

Sample parse_sample_line(const Json& line, const std::string& where) {
  Sample sample;
  sample.id = json_member<std::string>(line, "id", where);
  sample.dataset = json_member<std::string>(line, "dataset", where);
  sample.source = json_member<std::string>(line, "source", where);
  for (const Json& turn : json_member<Json>(line, "turns", where)) {
    if (!turn.is_array() || turn.size() != 2 || !turn[0].is_string() || !turn[1].is_string()) {
      throw Error(where + ": 'turns' must hold pairs of an instruction and a response");
    }
    sample.turns.push_back(
        {.instruction = turn[0].get<std::string>(), .response = turn[1].get<std::string>()});
  }
  return sample;
}

}  // namespace sft
