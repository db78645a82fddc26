#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sft/io/json.h"

namespace sft {

// What was evaluated. The hashes decide whether two results belong to one model; the name is for
// people. No weights: the responses were given.
struct ModelIdentity {
  std::string name;
  std::optional<std::string> weights_sha256;
  std::optional<std::string> adapter_sha256;
};

struct MetricValue {
  std::string metric;  // "accuracy"
  double score = 0;    // 0-100 unless the metric has a scale of its own
  double standard_error = 0;
};

// One task at one number of shots under one set of settings.
struct ResultEntry {  // NOLINT(bugprone-exception-escape): Json moves without throwing
  std::string task;
  int64_t shots = 0;
  // The benchmark file that was not there; then nothing below is known.
  std::string missing_file;

  MetricValue value;
  int64_t n = 0;            // questions scored
  int64_t n_total = 0;      // questions that the task's file holds
  bool is_partial = false;  // that file is a cut one
  std::optional<MetricValue> strict;
  // Of tasks with choices: how often the right one has the largest log-probability, and the largest
  // per character of its text.
  struct Likelihood {
    MetricValue accuracy;
    MetricValue accuracy_norm;
  };
  std::optional<Likelihood> likelihood;
  int64_t num_empty = 0;      // responses without text
  int64_t num_unparsed = 0;   // responses from which nothing could be read, empty ones included
  int64_t num_cut_off = 0;    // ended by the length limit or the end of the context
  int64_t num_over_long = 0;  // prompts that left no room for an answer; it counts as empty
  // Prompts whose tokens are not those that training has in front of a response.
  int64_t num_unlike_training = 0;
  // Of tasks that run programs: how often the study's reading had each outcome ("pass", "timeout").
  std::vector<std::pair<std::string, int64_t>> outcomes;
  std::vector<std::pair<std::string, double>> subscores;
  std::vector<std::string> notes;  // what a reader has to know of the score
  std::string exemplars;           // where the worked examples came from; "": none
  bool is_verified = true;         // the rules were held against the other implementation's
  int64_t version = 0;             // of the task's rules
  Json settings;                   // an object: everything else that the score depends on
};

// results.json of an evaluated model:
//
//   {"model": {"name", "weights_sha256", "adapter_sha256"}, "template": NAME,
//    "results": [{"task", "shots", "metric", "score", "stderr", "n", "n_total", "strict",
//                 "likelihood", "empty", "unparsed", "cut_off", "over_long", "unlike_training",
//                 "outcomes", "subscores", "notes", "exemplars", "version", "settings"}, ...]}
//
// An entry of an absent file is {"task", "shots", "missing"}; one of a cut file has "partial": true
// behind "n_total", one of a task without reference values "verified": false in front of "version".
// "strict", "likelihood" ({"accuracy": {"score", "stderr"}, "accuracy_norm": ...}), "outcomes",
// "notes" and
// "exemplars" are there where the task has them. Keys have this order, floats the shortest form;
// nothing in it depends on when, where or how fast it was made.
class ResultTable {
 public:
  ResultTable(ModelIdentity model, std::string template_name);

  // What `path` holds, to be added to; a new table where there is no such file. Throws Error where
  // the file is no table of results, or one of other weights, adapter or template.
  static ResultTable open(const std::filesystem::path& path, const ModelIdentity& model,
                          const std::string& template_name);
  static ResultTable from_json(const Json& document, const std::string& where);

  // Replaces the entry of equal task, shots and settings in its place, else adds it behind all
  // others. A scored entry takes the place of one that said its file was missing.
  void put(ResultEntry entry);

  const ModelIdentity& model() const { return model_; }
  const std::string& template_name() const { return template_name_; }
  const std::vector<ResultEntry>& entries() const { return entries_; }

  Json to_json() const;
  void save(const std::filesystem::path& path) const;  // whole or not at all

 private:
  ModelIdentity model_;
  std::string template_name_;
  std::vector<ResultEntry> entries_;
};

}  // namespace sft
