// tests/cases/bad_inputs.jsonl: files, links and flags from outside that are wrong, a line each,
// run through the binary. For each: the exit code, one line of message a fault, the time, and that
// nothing is left behind or overwritten. A line has
//   name
//   files   what is changed in the workplace first: a path and
//             a list of pieces, the bytes of a new file: a text; {"u32": N}, {"u64": N},
//             little-endian;
//               {"hex": "ff00"}; {"repeat": TEXT, "times": N}; {"size": N}, the file made N bytes
//               long, with a hole
//             {"set": {KEY: VALUE}}, changed keys of a JSON file; {"append": TEXT}
//             {"link": TARGET}, {"folder": true}, {"pipe": true}; null: removed
//   args    of sft; each a text or a list of pieces
//   input   stdin; optional
//   exit    the exit code
//   says    what the errors on stderr hold, in their order; warnings may be there too

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "run_binary.h"
#include "workplace.h"

#include "sft/core/one_line.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

template <typename T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

std::string bytes_of_hex(const std::string& digits) {
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string bytes_of_piece(const Json& piece) {
  if (piece.is_string()) {
    return piece.get<std::string>();
  }
  if (piece.contains("u32")) {
    return bytes_of(piece.at("u32").get<uint32_t>());
  }
  if (piece.contains("u64")) {
    return bytes_of(piece.at("u64").get<uint64_t>());
  }
  if (piece.contains("hex")) {
    return bytes_of_hex(piece.at("hex").get<std::string>());
  }
  const auto text = piece.at("repeat").get<std::string>();
  std::string bytes;
  for (int64_t i = 0; i < piece.at("times").get<int64_t>(); ++i) {
    bytes += text;
  }
  return bytes;
}

std::string bytes_of_pieces(const Json& pieces) {
  std::string bytes;
  for (const Json& piece : pieces) {
    bytes += piece.contains("size") ? "" : bytes_of_piece(piece);
  }
  return bytes;
}

void write_pieces(const TempFolder& folder, const std::string& name, const Json& pieces) {
  const fs::path path = folder.write(name, bytes_of_pieces(pieces));
  for (const Json& piece : pieces) {
    if (piece.contains("size")) {
      fs::resize_file(path, piece.at("size").get<uintmax_t>());
    }
  }
}

void change_json(const fs::path& path, const Json& keys) {
  Json json = Json::parse(read_whole_file(path));
  for (const auto& [key, value] : keys.items()) {
    json[key] = value;
  }
  std::ofstream(path) << json.dump();
}

void change_file(const TempFolder& folder, const std::string& name, const Json& change) {
  const fs::path path = folder.path() / name;
  if (change.contains("set")) {
    change_json(path, change.at("set"));
    return;
  }
  if (change.contains("append")) {
    std::ofstream(path, std::ios::app) << change.at("append").get<std::string>();
    return;
  }
  fs::remove(path);
  fs::create_directories(path.parent_path());
  if (change.contains("link")) {
    fs::create_symlink(change.at("link").get<std::string>(), path);
  } else if (change.contains("folder")) {
    fs::create_directory(path);
  } else if (change.contains("pipe")) {
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  } else if (!change.is_null()) {
    write_pieces(folder, name, change);
  }
}

struct Case {
  std::string name;
  Json row;

  friend std::ostream& operator<<(std::ostream& out, const Case& value) {
    return out << value.name;
  }
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  const fs::path path = fs::path(SFT_TEST_SOURCE_DIR) / "tests/cases/bad_inputs.jsonl";
  for (Json& row : json_lines(read_whole_file(path))) {
    cases.push_back({.name = row.at("name").get<std::string>(), .row = std::move(row)});
  }
  return cases;
}

std::vector<std::string> arguments_of(const Json& row) {
  std::vector<std::string> arguments;
  for (const Json& argument : row.at("args")) {
    arguments.push_back(argument.is_string() ? argument.get<std::string>()
                                             : bytes_of_pieces(argument));
  }
  return arguments;
}

// The lines of stderr that are errors. All others must be warnings, and all be as one_line has it.
std::vector<std::string> errors_of(const std::string& text) {
  std::vector<std::string> errors;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    EXPECT_EQ(line, one_line(line));
    if (line.starts_with("sft: error: ")) {
      errors.push_back(line);
    } else {
      EXPECT_THAT(line, testing::HasSubstr(" W ["));
    }
    begin = end + 1;
  }
  return errors;
}

class BadInputTable : public Workplace, public testing::WithParamInterface<Case> {
 protected:
  // Everything below the workplace by its path: what it is, and the bytes of a file (of one with a
  // hole, its size).
  std::map<std::string, std::string> contents() const {
    constexpr uintmax_t kLargestRead = 200'000'000;
    std::map<std::string, std::string> all;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder.path())) {
      const fs::file_status status = entry.symlink_status();
      std::string& content = all[entry.path().string()];
      content = std::to_string(static_cast<int>(status.type())) + ":";
      if (fs::is_symlink(status)) {
        content += fs::read_symlink(entry.path()).string();
      } else if (fs::is_regular_file(status)) {
        content += entry.file_size() > kLargestRead ? std::to_string(entry.file_size())
                                                    : read_whole_file(entry.path());
      }
    }
    return all;
  }
};

TEST_P(BadInputTable, IsNamedAndLeavesNothing) {
  const Json& row = GetParam().row;
  folder.write("pairs.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\"}\n");
  const Json files = row.value("files", Json::object());
  for (const auto& [name, change] : files.items()) {
    change_file(folder, name, change);
  }
  const auto before = contents();
  const auto begin = std::chrono::steady_clock::now();
  const BinaryResult result = sft(arguments_of(row), row.value("input", ""));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(result.exit_code, row.at("exit").get<int>());
  EXPECT_EQ(result.out, "");
  const std::vector<std::string> errors = errors_of(result.err);
  ASSERT_EQ(errors.size(), row.at("says").size()) << result.err;
  for (size_t i = 0; i < errors.size(); ++i) {
    EXPECT_THAT(errors[i], testing::HasSubstr(row.at("says")[i].get<std::string>()));
  }
  EXPECT_TRUE(contents() == before) << "something was left, changed or removed";
}
INSTANTIATE_TEST_SUITE_P(All, BadInputTable, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sft
