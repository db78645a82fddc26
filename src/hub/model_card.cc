#include "sft/hub/model_card.h"

#include <set>

#include <fmt/format.h>

#include "sft/hub/licences.h"

namespace sft {
namespace {

// A cell of a Markdown table.
std::string cell(std::string text) {
  for (size_t at = 0; (at = text.find_first_of("|\n", at)) != std::string::npos; at += 2) {
    text.replace(at, 1, text[at] == '|' ? "\\|" : "  ");
  }
  return text;
}

std::vector<CardSource> sources(const ModelCard& card) {
  std::vector<CardSource> all;
  if (!card.base.name.empty()) {
    all.push_back(card.base);
  }
  all.insert(all.end(), card.datasets.begin(), card.datasets.end());
  return all;
}

// The one licence of all sources, or "other" where they differ.
std::string license_id(const ModelCard& card) {
  std::set<std::string> ids;
  for (const CardSource& source : sources(card)) {
    ids.insert(judge_licence(source.license).id);
  }
  const std::string id = ids.size() == 1 ? *ids.begin() : "unknown";
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789.-+";
  return id == "unknown" || id.find_first_not_of(kAllowed) != std::string::npos ? "other" : id;
}

std::string front_matter(const ModelCard& card) {
  std::string text = fmt::format("---\nlicense: {}\n", license_id(card));
  if (!card.base.hub_id.empty()) {
    text += fmt::format("base_model: {}\nbase_model_relation: {}\n", card.base.hub_id,
                        card.is_adapter ? "adapter" : "finetune");
  }
  std::string datasets;
  for (const CardSource& source : card.datasets) {
    datasets += source.hub_id.empty() ? "" : "- " + source.hub_id + "\n";
  }
  text += datasets.empty() ? "" : "datasets:\n" + datasets;
  text += fmt::format("library_name: {}\npipeline_tag: text-generation\ntags:\n- sft\n---\n",
                      card.is_adapter ? "peft" : "transformers");
  return text;
}

std::string source_table(const ModelCard& card) {
  std::string text = "| made from | licence | |\n| --- | --- | --- |\n";
  for (const CardSource& source : sources(card)) {
    text +=
        fmt::format("| {} | {} | {} |\n", cell(source.hub_id.empty() ? source.name : source.hub_id),
                    cell(source.license.empty() ? "unknown" : source.license), cell(source.note));
  }
  return text;
}

std::string score_table(const ModelCard& card) {
  std::string text =
      "\n## Scores\n\n| task | shots | metric | score | questions | |\n"
      "| --- | ---: | --- | ---: | ---: | --- |\n";
  for (const CardScore& score : card.scores) {
    text += fmt::format("| {} | {} | {} | {:.2f} ± {:.2f} | {} | {} |\n", cell(score.task),
                        score.shots, cell(score.metric), score.score, score.standard_error, score.n,
                        cell(score.note));
  }
  return text + "\n± is one standard error.\n";
}

std::string fenced(const std::string& text, const std::string& language) {
  // A fence longer than any inside.
  std::string fence = "```";
  while (text.find(fence) != std::string::npos) {
    fence += '`';
  }
  return "\n" + fence + language + "\n" + text + (text.ends_with('\n') ? "" : "\n") + fence + "\n";
}

}  // namespace

std::string card_markdown(const ModelCard& card) {
  std::string text = front_matter(card);
  text += fmt::format("\n# {}\n\n", card.repo.substr(card.repo.find('/') + 1));
  if (!card.base.name.empty()) {
    text +=
        fmt::format("{} {}, fine-tuned with sft {}.\n\n",
                    card.is_adapter ? "An adapter (LoRA) for" : "The model",
                    card.base.hub_id.empty() ? card.base.name : card.base.hub_id, card.sft_version);
  }
  if (!sources(card).empty()) {
    text += source_table(card);
  }
  if (!card.prompt.empty()) {
    text += "\n## Prompt\n" + fenced(card.prompt, "");
  }
  if (!card.scores.empty()) {
    text += score_table(card);
  }
  if (!card.command.empty()) {
    text += "\n## How it was made\n" + fenced(card.command, "sh");
    for (const std::string& fact : card.facts) {
      text += (&fact == card.facts.data() ? "\n- " : "- ") + fact + "\n";
    }
    text += card.config.empty() ? "" : "\nwith this `config.yaml`:\n" + fenced(card.config, "yaml");
  }
  return text;
}

std::vector<std::string> licence_objections(const ModelCard& card) {
  std::vector<std::string> objections;
  for (const CardSource& source : sources(card)) {
    const LicenceVerdict verdict = judge_licence(source.license);
    if (!verdict.is_free) {
      objections.push_back(
          fmt::format("the licence of {}{} {}", source.hub_id.empty() ? source.name : source.hub_id,
                      source.license.empty() ? "" : " (" + source.license + ")", verdict.reason));
    }
  }
  return objections;
}

}  // namespace sft
