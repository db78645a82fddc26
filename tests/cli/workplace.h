#pragma once

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "run_binary.h"
#include "temp_folder.h"

#include "sft/io/json.h"

namespace sft {

// A folder as a user has it: a tiny model `model` with random weights, 24 training rows in
// `rows.jsonl`, and `run.yaml`, which trains the one on the other into `run`, 12 steps an epoch.
class Workplace : public testing::Test {
 protected:
  static constexpr int kStepsPerEpoch = 12;

  void SetUp() override {
    setenv("SFT_HOME", home.path().c_str(), /*replace=*/1);  // never the user's own
    std::string text;
    std::string rows;
    for (int i = 0; i < 2 * kStepsPerEpoch; ++i) {
      const std::string n = std::to_string(i);
      text += "The number after " + n + " is " + std::to_string(i + 1) + ", isn't it?\n";
      rows += R"({"instruction": "What comes after )" + n + R"(?", "output": "It is )" +
              std::to_string(i + 1) + "\"}\n";
    }
    folder.write("text.txt", text);
    folder.write("rows.jsonl", rows);
    folder.write("rows.yaml", "name: rows\nfiles: [rows.jsonl]\n");
    folder.write("run.yaml",
                 "model: model\n"
                 "data:\n"
                 "  datasets: [rows.yaml]\n"
                 "  template: question_answer\n"
                 "  max_length: 128\n"
                 "train:\n"
                 "  epochs: 2\n"
                 "  batch_size: 2\n"
                 "  learning_rate: 1.0e-3\n"
                 "output: run\n");
    const BinaryResult made =
        sft({"init", "--size",
             "{hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 2,"
             " max_position_embeddings: 256}",
             "--train-tokenizer", "text.txt", "--vocab-size", "300", "--output", "model"});
    ASSERT_EQ(made.exit_code, 0) << made.err;
  }

  // Runs the binary in the folder; on one thread, so that tests may run side by side.
  BinaryResult sft(const std::vector<std::string>& arguments, const std::string& input = "") const {
    return run_binary(with_threads(arguments), folder.path(), input);
  }
  static std::vector<std::string> with_threads(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--threads", "1"});
    return arguments;
  }

  std::filesystem::path path(const std::string& name) const { return folder.path() / name; }

  // Every regular file below `name` with its bytes, by its path.
  std::map<std::string, std::string> files_of(const std::string& name) const {
    std::map<std::string, std::string> files;
    if (!std::filesystem::exists(path(name))) {
      return files;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path(name))) {
      if (entry.is_regular_file()) {
        files[entry.path().lexically_relative(path(name)).string()] = read_whole_file(entry.path());
      }
    }
    return files;
  }

  TempFolder folder;
  TempFolder home;  // $SFT_HOME
};

// The lines of JSON Lines.
inline std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(Json::parse(text.substr(begin, end - begin)));
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

}  // namespace sft
