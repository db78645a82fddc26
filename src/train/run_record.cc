#include "train/run_record.h"

#include <array>

#include <spdlog/spdlog.h>
#include <torch/version.h>
#include <unistd.h>

#include "sft/core/error.h"
#include "sft/io/file.h"

namespace sft {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : "";
}

double ratio(double a, double b) {
  return b > 0 ? a / b : 0;
}

}  // namespace

void save_run_record(const std::filesystem::path& path, const RunRecord& record,
                     const Clock& clock) {
  Json json = {{"status", record.status}};
  if (!record.error.empty()) {
    json["error"] = record.error;
  }
  json["started"] = iso_time(record.started);
  json["started_unix_seconds"] = record.started;
  json["updated"] = iso_time(clock.unix_seconds());
  json["starts"] = record.starts;
  json["host"] = host_name();
  json["versions"] = {{"sft", SFT_VERSION}, {"torch", TORCH_VERSION}};
  json["model"] = {{"name", record.model_name}, {"weights_sha256", record.model_sha256}};
  json["data_sha256"] = record.data_sha256;
  json["threads"] = record.threads;
  json["steps"] = record.steps;
  json["tokens"] = record.tokens;
  json["response_tokens"] = record.response_tokens;
  json["planned"] = record.planned;
  json["measured"] = {
      {"seconds", record.seconds},
      {"tokens_per_second", ratio(static_cast<double>(record.tokens), record.seconds)},
      {"flops", record.flops},
      {"reference_flops_per_second", record.reference_flops},
      {"model_flop_utilisation",
       ratio(ratio(record.flops, record.seconds), record.reference_flops)},
      {"peak_memory_bytes", record.peak_memory_bytes}};
  write_file(path, dump_json(json, JsonLayout::kIndented));
}

RunRecord continued_run_record(const std::filesystem::path& path, const Clock& clock) {
  RunRecord record;
  record.started = clock.unix_seconds();
  record.starts = 1;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return record;
  }
  try {
    const std::string where = path.string();
    const Json json = read_json(path);
    const Json model = json_member<Json>(json, "model", where);
    const Json measured = json_member<Json>(json, "measured", where);
    RunRecord earlier;
    earlier.started = json_member<double>(json, "started_unix_seconds", where);
    earlier.starts = json_member<int64_t>(json, "starts", where) + 1;
    earlier.model_sha256 = json_member<std::string>(model, "weights_sha256", where);
    earlier.peak_memory_bytes =
        static_cast<uint64_t>(json_member<int64_t>(measured, "peak_memory_bytes", where));
    return earlier;
  } catch (const Error& error) {
    spdlog::warn("[train] {}; it is written anew", error.what());
  }
  return record;
}

}  // namespace sft
