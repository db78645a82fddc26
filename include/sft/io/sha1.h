#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sft {

// SHA-1 (FIPS 180-4), by libcrypto: what git names its objects by. No protection against those who
// mean harm.
class Sha1 {
 public:
  Sha1();
  ~Sha1();
  Sha1(const Sha1&) = delete;
  Sha1& operator=(const Sha1&) = delete;

  void update(std::string_view bytes);
  // 40 lower-case hex digits; ends the object's use.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sft
