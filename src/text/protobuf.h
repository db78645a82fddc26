#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sft {

// Reads the fields of a message in protobuf's wire format one after the other:
//     field: varint (number << 3 | wire type), then a varint (type 0), 8 bytes (1), a varint length
//            and as many bytes (2), or 4 bytes (5)
// Borrows the bytes; copies nothing, so that no length that a file claims is ever allocated.
class ProtobufReader {
 public:
  // `where` opens messages.
  ProtobufReader(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  struct Field {
    uint32_t number = 0;
    uint64_t value = 0;      // of types 0, 1 and 5
    std::string_view bytes;  // of type 2
    bool is_bytes = false;

    float as_float() const;
    bool as_bool() const { return value != 0; }
    int64_t as_int() const { return static_cast<int64_t>(value); }
  };
  // Nothing at the end. Throws Error where the bytes are no message.
  std::optional<Field> next();

 private:
  uint64_t varint();
  std::string_view take(uint64_t size);

  std::string_view bytes_;
  const std::string& where_;
};

}  // namespace sft
