#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sft {

// What was used to make a model, by name, with its licence as its source states it ("": unknown).
struct CardSource {
  std::string name;
  std::string hub_id;  // "" where it is not from the hub
  std::string license;
  std::string note;  // "1,000 of 1,029 samples"
};

struct CardScore {
  std::string task;
  int64_t shots = 0;
  std::string metric;
  double score = 0;
  double standard_error = 0;
  int64_t n = 0;
  std::string note;  // "cut file", "max 512 new tokens"
};

// What a model card tells. Empty fields are left out.
struct ModelCard {
  std::string repo;  // owner/name
  bool is_adapter = false;
  CardSource base;
  std::vector<CardSource> datasets;
  std::string prompt;              // a sample's prompt, with {instruction}
  std::string command;             // that made it
  std::string config;              // YAML, all of it
  std::vector<std::string> facts;  // "steps: 320", a line each
  std::vector<CardScore> scores;
  std::string sft_version;
};

// README.md of a repository: the metadata that the hub reads, then the text for people.
std::string card_markdown(const ModelCard& card);

// Whether the base's and the data's licences let the model be shared by anyone for any use: a line
// for each that does not, with its reason. Empty: they do.
std::vector<std::string> licence_objections(const ModelCard& card);

}  // namespace sft
