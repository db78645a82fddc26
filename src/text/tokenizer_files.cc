#include "text/tokenizer_files.h"

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/io/file.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

Json flags_json(const AddedToken& token) {
  return {{"content", token.content},          {"single_word", token.is_single_word},
          {"lstrip", token.strips_left},       {"rstrip", token.strips_right},
          {"normalized", token.is_normalized}, {"special", token.is_special}};
}

Json model_json(const TokenizerFiles& files) {
  Json vocab = Json::object();
  // Past the object's own insertion, which looks for each key among all others.
  auto& members = vocab.get_ref<Json::object_t&>();
  for (const TokenizerFiles::Token& token : files.vocab) {
    members.emplace_back(token.text, token.id);
  }
  Json merges = Json::array();
  for (const auto& [left, right] : files.merges) {
    merges.push_back(fmt::format("{} {}", left, right));
  }
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", files.has_byte_fallback && files.unk ? Json(*files.unk) : Json()},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", files.has_byte_fallback},
          {"byte_fallback", files.has_byte_fallback},
          {"ignore_merges", files.ignores_merges},
          {"vocab", std::move(vocab)},
          {"merges", std::move(merges)}};
}

int32_t added_id(const TokenizerFiles& files, const std::string& content) {
  for (const AddedToken& token : files.added_tokens) {
    if (token.content == content) {
      return token.id;
    }
  }
  throw Error("the BOS token '" + content + "' is no special token");
}

// BOS in front, for those who read tokenizer.json alone.
Json post_processor_json(const TokenizerFiles& files) {
  if (!files.adds_bos || !files.bos.has_value()) {
    if (files.has_byte_fallback) {
      return nullptr;
    }
    return {{"type", "ByteLevel"},
            {"add_prefix_space", false},
            {"trim_offsets", false},
            {"use_regex", false}};
  }
  const auto special = [&](int type_id) {
    return Json{{"SpecialToken", {{"id", *files.bos}, {"type_id", type_id}}}};
  };
  const auto sequence = [](const char* id, int type_id) {
    return Json{{"Sequence", {{"id", id}, {"type_id", type_id}}}};
  };
  Json special_tokens = Json::object();
  special_tokens[*files.bos] = {{"id", *files.bos},
                                {"ids", Json::array({added_id(files, *files.bos)})},
                                {"tokens", Json::array({*files.bos})}};
  return {{"type", "TemplateProcessing"},
          {"single", Json::array({special(0), sequence("A", 0)})},
          {"pair", Json::array({special(0), sequence("A", 0), special(1), sequence("B", 1)})},
          {"special_tokens", std::move(special_tokens)}};
}

Json tokenizer_json(const TokenizerFiles& files) {
  Json added = Json::array();
  for (const AddedToken& token : files.added_tokens) {
    Json item = {{"id", token.id}};
    item.update(flags_json(token));
    added.push_back(std::move(item));
  }
  return {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", std::move(added)},
      {"normalizer", files.normalizer},
      {"pre_tokenizer", files.pre_tokenizer},
      {"post_processor", post_processor_json(files)},
      {"decoder", files.decoder.is_null() ? byte_level_json(/*uses_regex=*/true) : files.decoder},
      {"model", model_json(files)}};
}

Json special_tokens_json(const TokenizerFiles& files) {
  Json map = Json::object();
  const auto put = [&map](const char* key, const std::optional<std::string>& token) {
    if (token.has_value()) {
      map[key] = *token;
    }
  };
  put("bos_token", files.bos);
  put("eos_token", files.eos);
  put("pad_token", files.pad);
  put("unk_token", files.unk);
  return map;
}

Json config_json(const TokenizerFiles& files) {
  Json decoder = Json::object();
  for (const AddedToken& token : files.added_tokens) {
    decoder[std::to_string(token.id)] = flags_json(token);
  }
  Json config = {{"add_bos_token", files.adds_bos},
                 {"add_prefix_space", false},
                 {"added_tokens_decoder", std::move(decoder)},
                 {"clean_up_tokenization_spaces", false}};
  config.update(special_tokens_json(files));
  if (files.chat_template.has_value()) {
    config["chat_template"] = *files.chat_template;
  }
  if (files.model_max_length.has_value()) {
    config["model_max_length"] = *files.model_max_length;
  }
  // The class that takes tokenizer.json as it is; GPT2Tokenizer and the like build their own.
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  return config;
}

}  // namespace

Json byte_level_json(bool uses_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", uses_regex}};
}

void write_tokenizer_files(const TokenizerFiles& files, const fs::path& folder) {
  const auto write = [&](const char* name, const Json& value) {
    write_file(folder / name, dump_json(value, JsonLayout::kIndented));
  };
  write("tokenizer.json", tokenizer_json(files));
  write("tokenizer_config.json", config_json(files));
  write("special_tokens_map.json", special_tokens_json(files));
}

}  // namespace sft
