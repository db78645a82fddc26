#include "cli/machine_probe.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <cpuinfo.h>
#include <fmt/format.h>
#include <unistd.h>

#include "cli/probe_program.h"

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/estimate/machine.h"
#include "sft/eval/sandbox.h"
#include "sft/io/http_client.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
using Status = MachineCheck::Status;

constexpr double kProgramSeconds = 10;
constexpr uint64_t kGigabyte = 1'000'000'000;
constexpr uint64_t kLittleMemory = 4 * kGigabyte;
constexpr uint64_t kLittleDisk = 10 * kGigabyte;

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

fs::path home_folder() {
  const char* const set = std::getenv("SFT_HOME");
  if (set != nullptr && *set != '\0') {
    return set;
  }
  const char* const user = std::getenv("HOME");
  return fs::path(user != nullptr ? user : ".") / ".cache" / "sft";
}

MachineCheck check_cpu() {
  MachineCheck check = {.name = "cpu", .status = Status::kOk, .found = {}, .fails = {}, .fix = {}};
  const long cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  if (!cpuinfo_initialize()) {
    check.found = fmt::format("{} cores of a kind that is not known", cores);
    return check;
  }
  const char* const name =
      cpuinfo_get_packages_count() > 0 ? cpuinfo_get_package(0)->name : "unknown";
  const bool has_bf16 = cpuinfo_has_x86_avx512bf16() || cpuinfo_has_x86_amx_bf16();
  check.found = fmt::format("{} cores, {}, {}", cores, name,
                            cpuinfo_has_x86_amx_bf16() ? "bf16 in hardware (AMX)"
                            : has_bf16                 ? "bf16 in hardware (AVX-512)"
                                                       : "no bf16 in hardware");
  if (!has_bf16) {
    check.status = Status::kNote;
    check.fails = "bf16 is computed in software, slower than float32";
    check.fix = "train with --set train.precision=float32; score and evaluate with --dtype float32";
  }
  return check;
}

MachineCheck check_gpu() {
  MachineCheck check = {
      .name = "gpu", .status = Status::kOk, .found = "none", .fails = {}, .fix = {}};
  const auto listed = probe_program({"nvidia-smi", "-L"}, kProgramSeconds);
  if (listed.has_value() && listed->exit_code == 0 && !listed->output.empty()) {
    check.found = first_line(listed->output.substr(0, listed->output.find(" (UUID")));
    check.status = Status::kNote;
    check.fails = "this build computes on the CPU and leaves the GPU idle";
    check.fix = "nothing to do but know it";
  }
  return check;
}

MachineCheck check_memory() {
  const uint64_t available = this_machine(".").available_memory_bytes;
  MachineCheck check = {.name = "memory",
                        .status = Status::kOk,
                        .found = format_bytes(available) + " available",
                        .fails = {},
                        .fix = {}};
  if (available < kLittleMemory) {
    check.status = Status::kProblem;
    check.fails = "full fine-tuning of 135 million parameters takes 3 GB, larger models more";
    check.fix =
        "close other programs, or raise the limit of this container; `sft train --plan` says "
        "what a run takes";
  }
  return check;
}

// Whether files can be made in `folder`, or in what exists above it.
bool is_writable(fs::path folder) {
  std::error_code error;
  folder = fs::absolute(folder, error);
  while (!fs::exists(folder, error) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  return ::access(folder.c_str(), W_OK | X_OK) == 0;
}

MachineCheck check_disk(const std::string& what, const fs::path& folder,
                        const std::string& variable) {
  const uint64_t available = this_machine(folder / "x").free_disk_bytes;
  MachineCheck check = {
      .name = "disk: " + what,
      .status = Status::kOk,
      .found = fmt::format("{} free in {}", format_bytes(available), folder.string()),
      .fails = {},
      .fix = {}};
  const std::string elsewhere =
      variable.empty() ? "work in another folder" : "let " + variable + " name another folder";
  if (!is_writable(folder)) {
    check.status = Status::kProblem;
    check.fails = "cannot be written to";
    check.fix = elsewhere;
  } else if (available < kLittleDisk) {
    check.status = Status::kProblem;
    check.fails = "a model of 7 billion parameters takes 15 to 28 GB";
    check.fix = "make room, or " + elsewhere;
  }
  return check;
}

// By running a program in it, as `sft eval` does.
MachineCheck check_program_sandbox() {
  MachineCheck check = {
      .name = "sandbox", .status = Status::kOk, .found = {}, .fails = {}, .fix = {}};
  const SandboxCheck machine = check_sandbox(Confinement::kSandbox);
  if (machine.fault.empty()) {
    check.found = "bubblewrap works: a program ran in it by " + machine.interpreter;
    return check;
  }
  check.status = Status::kProblem;
  check.found = machine.fault;
  check.fails = "HumanEval and MBPP, which run a model's code, are not scored";
  check.fix = machine.fix;
  return check;
}

MachineCheck check_slurm() {
  MachineCheck check = {
      .name = "slurm", .status = Status::kOk, .found = {}, .fails = {}, .fix = {}};
  const auto version = probe_program({"sbatch", "--version"}, kProgramSeconds);
  if (!version.has_value() || version->exit_code != 0) {
    check.status = Status::kNote;
    check.found = "none";
    check.fails = "sweeps run on this machine alone";
    check.fix = "on a cluster, work on a node that has sbatch";
    return check;
  }
  const auto partitions =
      probe_program({"sinfo", "--noheader", "--format=%P %D nodes"}, kProgramSeconds);
  if (partitions.has_value() && partitions->exit_code == 0 && !partitions->is_late) {
    check.found = first_line(version->output) + ", " + first_line(partitions->output);
    return check;
  }
  check.status = Status::kProblem;
  check.found = first_line(version->output) + ", whose controller does not answer";
  check.fails = "nothing can be given to the cluster";
  check.fix = "ask its keepers; `sinfo` says more";
  return check;
}

MachineCheck check_python() {
  MachineCheck check = {
      .name = "python", .status = Status::kOk, .found = {}, .fails = {}, .fix = {}};
  // The one that the sandbox shows to a model's code.
  const auto version = probe_program({"/usr/bin/python3", "--version"}, kProgramSeconds);
  if (version.has_value() && version->exit_code == 0) {
    check.found = version->output + " (/usr/bin/python3)";
    return check;
  }
  check.status = Status::kProblem;
  check.found = "no /usr/bin/python3";
  check.fails = "HumanEval and MBPP, whose answers are Python programs, are not scored";
  check.fix = "apt-get install python3";
  return check;
}

HttpRequest get(const std::string& url, const std::string& token) {
  HttpRequest request;
  request.url = url;
  if (!token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + token);
  }
  return request;
}

// What the hub says about the token: whose it is, or that it is none.
void check_token(const HubSettings& settings, HttpClient& http, MachineCheck& check) {
  if (settings.token.empty()) {
    check.found += ", no HF_TOKEN";
    check.status = Status::kNote;
    check.fails = "gated models and datasets (LIMA) cannot be fetched, nothing can be published";
    check.fix = "set HF_TOKEN to a token of your account";
    return;
  }
  const HttpResponse answer = http.send(get(settings.endpoint + "/api/whoami-v2", settings.token));
  if (answer.status == 200) {
    const Json json = parse_json(answer.body, "whoami-v2");
    const Json name = json.is_object() && json.contains("name") ? json["name"] : Json();
    check.found += ", HF_TOKEN of " + (name.is_string() ? name.get<std::string>() : "someone");
  } else {
    check.status = Status::kProblem;
    check.found += fmt::format(", which does not take HF_TOKEN (answers {})", answer.status);
    check.fails = "gated models and datasets cannot be fetched, nothing can be published";
    check.fix = "set HF_TOKEN to a token that is valid";
  }
}

MachineCheck check_hub(const HubSettings& settings) {
  MachineCheck check = {
      .name = "hub", .status = Status::kOk, .found = settings.endpoint, .fails = {}, .fix = {}};
  if (settings.is_offline) {
    check.status = Status::kNote;
    check.found += ", not asked: offline (HF_HUB_OFFLINE, --offline)";
    check.fails = "only what is in the hub cache can be used";
    check.fix = "unset HF_HUB_OFFLINE";
    return check;
  }
  try {
    CurlHttpClient http;
    const HttpResponse answer = http.send(get(settings.endpoint + "/api/models?limit=1", ""));
    check.found += fmt::format(", answers {}", answer.status);
    if (answer.status != 200) {
      check.status = Status::kProblem;
      check.fails = "models and datasets cannot be fetched by name";
      check.fix = "does HF_ENDPOINT name a hub?";
      return check;
    }
    check_token(settings, http, check);
  } catch (const Error& error) {
    check.status = Status::kProblem;
    check.found = error.what();
    check.fails = "models and datasets cannot be fetched by name, only taken from the hub cache";
    check.fix = "check the network, https_proxy and HF_ENDPOINT, or fill the cache elsewhere";
  }
  return check;
}

}  // namespace

std::vector<MachineCheck> probe_machine(const HubSettings& settings) {
  return {check_cpu(),
          check_gpu(),
          check_memory(),
          check_disk("this folder", fs::current_path(), ""),
          check_disk("prepared data", home_folder(), "SFT_HOME"),
          check_disk("hub cache", settings.cache, "HF_HUB_CACHE"),
          check_program_sandbox(),
          check_slurm(),
          check_python(),
          check_hub(settings)};
}

}  // namespace sft
