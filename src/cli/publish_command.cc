// `sft publish`: a checkpoint with its model card to the hub.

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/model_card_facts.h"
#include "cli/model_names.h"

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/hub/hub.h"
#include "sft/hub/publish.h"
#include "sft/io/http_client.h"
#include "sft/io/json.h"
#include "sft/io/safetensors.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

struct PublishFlags {
  std::string checkpoint;
  std::string repo;
  bool is_dry_run = false;
  bool is_public = false;
  bool accepts_licence = false;
};

// A model's or adapter's own files, never what else lies beside them.
constexpr std::array kSmallFiles = {"config.json",
                                    "generation_config.json",
                                    "tokenizer.json",
                                    "tokenizer.model",
                                    "spiece.model",
                                    "sentencepiece.bpe.model",
                                    "qwen.tiktoken",
                                    "tokenizer_config.json",
                                    "special_tokens_map.json",
                                    "added_tokens.json",
                                    "vocab.json",
                                    "merges.txt",
                                    "chat_template.jinja",
                                    "adapter_config.json",
                                    "adapter_model.safetensors",
                                    "model.safetensors.index.json",
                                    "sft.json"};

std::vector<PublishFile> files_of(const fs::path& checkpoint) {
  std::vector<PublishFile> files;
  std::error_code error;
  for (const char* const name : kSmallFiles) {
    if (fs::is_regular_file(checkpoint / name, error)) {
      files.push_back({.name = name, .path = checkpoint / name, .text = {}});
    }
  }
  if (fs::exists(checkpoint / "config.json", error)) {
    const SafetensorsFolder weights(checkpoint);  // whole and sound, or nothing is published
    std::vector<fs::path> paths;
    for (const auto& [name, view] : weights.tensors()) {
      paths.push_back(weights.file_of(name));
    }
    std::ranges::sort(paths);
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    for (const fs::path& path : paths) {
      files.push_back({.name = path.filename().string(), .path = path, .text = {}});
    }
  } else if (!fs::exists(checkpoint / "adapter_model.safetensors", error)) {
    throw Error(checkpoint.string() +
                ": neither a model (config.json) nor an adapter (adapter_model.safetensors)");
  }
  return files;
}

// The card beside the weights is someone's own work and goes before ours.
PublishFile card_file(const fs::path& checkpoint, const ModelCard& card) {
  std::error_code error;
  if (fs::is_regular_file(checkpoint / "README.md", error)) {
    return {.name = "README.md", .path = checkpoint / "README.md", .text = {}};
  }
  return {.name = "README.md", .path = {}, .text = card_markdown(card)};
}

void check_licences(const ModelCard& card, const PublishFlags& flags) {
  std::string objections;
  for (const std::string& objection : licence_objections(card)) {
    objections += (objections.empty() ? "" : "; ") + objection;
  }
  if (objections.empty()) {
    return;
  }
  if (!flags.accepts_licence) {
    throw Error(objections + "; read " +
                (objections.find(';') == std::string::npos ? "it" : "them") +
                ", and give --accept-licence if publishing is allowed");
  }
  spdlog::warn("[publish] --accept-licence: {}", objections);
}

int show(const std::vector<PublishFile>& files, const PublishFlags& flags, const ModelCard& card,
         const CommonOptions& common) {
  Json list = Json::array();
  uint64_t total = 0;
  for (const PublishFile& file : files) {
    list.push_back({{"name", file.name}, {"bytes", file.bytes()}});
    total += file.bytes();
  }
  if (common.is_json) {
    fmt::print("{}\n", dump_json({{"repo", flags.repo},
                                  {"private", !flags.is_public},
                                  {"files", list},
                                  {"objections", licence_objections(card)},
                                  {"card", card_markdown(card)}},
                                 JsonLayout::kCompact));
    return 0;
  }
  fmt::print("{}", card_markdown(card));
  fmt::print(stderr, "to {} ({}), {} in all, nothing was sent:\n", flags.repo,
             flags.is_public ? "public" : "private", format_bytes(total));
  for (const PublishFile& file : files) {
    fmt::print(stderr, "  {} ({})\n", file.name, format_bytes(file.bytes()));
  }
  return 0;
}

int run_publish(const PublishFlags& flags, const CommonOptions& common) {
  const std::optional<HubId> id = parse_hub_id(flags.repo);
  if (!id.has_value() || id->revision != "main") {
    throw UsageError("--repo " + flags.repo + ": must be owner/name");
  }
  if (!fs::is_directory(flags.checkpoint)) {
    throw Error("--ckpt " + flags.checkpoint + ": no such folder");
  }
  const HubSettings settings = hub_settings(common);
  CurlHttpClient http;
  std::vector<PublishFile> files = files_of(flags.checkpoint);
  const ModelCard card = gather_card(flags.checkpoint, flags.repo, [&](const std::string& repo) {
    return flags.is_dry_run ? std::string() : ask_licence(repo, settings, http);
  });
  files.insert(files.begin(), card_file(flags.checkpoint, card));
  if (flags.is_dry_run) {
    for (const std::string& objection : licence_objections(card)) {
      spdlog::warn("[publish] would be refused without --accept-licence: {}", objection);
    }
    return show(files, flags, card, common);
  }
  check_licences(card, flags);
  const SystemClock clock;
  const PublishResult result = publish(
      files,
      {.repo = flags.repo,
       .is_public = flags.is_public,
       .summary = "Upload " + short_model_name(flags.checkpoint) + " with sft " SFT_VERSION},
      settings, http, clock);
  if (common.is_json) {
    fmt::print("{}\n", dump_json({{"url", result.url},
                                  {"commit", result.commit},
                                  {"private", result.is_private},
                                  {"uploaded_bytes", result.uploaded_bytes},
                                  {"present_bytes", result.present_bytes}},
                                 JsonLayout::kCompact));
  } else {
    fmt::print("{} ({}), commit {}\n", result.url, result.is_private ? "private" : "public",
               result.commit);
  }
  return 0;
}

}  // namespace

RunCommand define_publish(CLI::App& app, const CommonOptions& common) {
  const auto flags = std::make_shared<PublishFlags>();
  app.add_option("--ckpt", flags->checkpoint, "a checkpoint's folder, or an adapter's")->required();
  app.add_option("--repo", flags->repo, "owner/name on the hub; made where it is not there")
      ->required();
  app.add_flag("--dry-run", flags->is_dry_run,
               "send nothing; the model card to stdout, the files to stderr");
  app.add_flag("--public", flags->is_public, "make the repository public [private]");
  app.add_flag("--accept-licence,--accept-license", flags->accepts_licence,
               "publish though the base's or the data's licence has conditions");
  return [flags, &common] { return run_publish(*flags, common); };
}

}  // namespace sft
