#include "train/tensorboard_log.h"

#include <array>
#include <bit>
#include <cstring>

#include <unistd.h>

#include "sft/core/error.h"

namespace sft {
namespace {

// Field numbers of Event, Summary.Value and SessionLog.
constexpr uint32_t kWallTime = 1;
constexpr uint32_t kStep = 2;
constexpr uint32_t kFileVersion = 3;
constexpr uint32_t kSummary = 5;
constexpr uint32_t kSessionLog = 7;
constexpr uint32_t kValue = 1;
constexpr uint32_t kTag = 1;
constexpr uint32_t kSimpleValue = 2;
constexpr uint32_t kStatus = 1;
constexpr uint64_t kStart = 1;

// Wire types of protocol buffers.
constexpr uint32_t kVarint = 0;
constexpr uint32_t kFixed64 = 1;
constexpr uint32_t kBytes = 2;
constexpr uint32_t kFixed32 = 5;

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) {
    bytes += static_cast<char>((value & 0x7F) | 0x80);
  }
  return bytes + static_cast<char>(value);
}

std::string tag_of(uint32_t field, uint32_t wire_type) {
  return varint(field << 3 | wire_type);
}

template <typename Unsigned>
std::string little_endian(Unsigned value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(Unsigned); ++i) {
    bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  }
  return bytes;
}

std::string field(uint32_t number, const std::string& bytes) {
  return tag_of(number, kBytes) + varint(bytes.size()) + bytes;
}

std::string event_at(double unix_seconds, int64_t step) {
  return tag_of(kWallTime, kFixed64) + little_endian(std::bit_cast<uint64_t>(unix_seconds)) +
         tag_of(kStep, kVarint) + varint(static_cast<uint64_t>(step));
}

// CRC-32C (Castagnoli), reflected, a bit at a time: records are tens of bytes.
uint32_t crc32c(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82F63B78 : 0);
    }
  }
  return ~crc;
}

// TFRecord's mask, so that a checksum of data that holds checksums is not weak.
std::string masked_crc(const std::string& bytes) {
  return little_endian(std::rotr(crc32c(bytes), 15) + 0xA282EAD8U);
}

}  // namespace

TensorboardLog::TensorboardLog(const std::filesystem::path& folder, double unix_seconds,
                               int64_t first_step) {
  std::filesystem::create_directories(folder);
  const std::filesystem::path path =
      folder / ("events.out.tfevents." + std::to_string(static_cast<int64_t>(unix_seconds)) + "." +
                std::to_string(getpid()) + ".sft");
  file_.open(path, std::ios::binary);
  if (!file_) {
    throw Error(path.string() + ": cannot be written: " + std::strerror(errno));
  }
  write_record(event_at(unix_seconds, 0) + field(kFileVersion, "brain.Event:2"));
  write_record(event_at(unix_seconds, first_step) +
               field(kSessionLog, tag_of(kStatus, kVarint) + varint(kStart)));
}

void TensorboardLog::scalar(const std::string& tag, int64_t step, double unix_seconds,
                            float value) {
  const std::string entry = field(kTag, tag) + tag_of(kSimpleValue, kFixed32) +
                            little_endian(std::bit_cast<uint32_t>(value));
  write_record(event_at(unix_seconds, step) + field(kSummary, field(kValue, entry)));
}

void TensorboardLog::write_record(const std::string& event) {
  const std::string length = little_endian(static_cast<uint64_t>(event.size()));
  const std::string record = length + masked_crc(length) + event + masked_crc(event);
  file_.write(record.data(), static_cast<std::streamsize>(record.size()));
}

}  // namespace sft
