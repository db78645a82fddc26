#include "sft/io/child_process.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sft {
namespace {

ChildSpec shell(const std::string& script) {
  ChildSpec spec;
  spec.command = {"/bin/sh", "-c", script};
  return spec;
}

struct Ended {
  std::string output;
  int code = 0;
};

Ended run(const ChildSpec& spec) {
  ChildProcess child(spec);
  Ended ended;
  while (child.read(ended.output, /*seconds=*/10)) {
  }
  ended.code = child.wait().code;
  return ended;
}

TEST(ChildProcess, HasItsInputsAndNothingElse) {
  ChildSpec spec = shell("cat >&2; cat <&3 >&2; cat <&4 >&5; env >&2; ls /proc/self/fd >&2");
  spec.input = std::string(100'000, 'x') + "\n";
  spec.more_inputs = {"three\n", "four\n"};
  spec.environment = {"ONE=1"};
  const Ended ended = run(spec);
  const std::string after_input = ended.output.substr(ended.output.find('\n') + 1);
  EXPECT_EQ(ended.output.find('\n'), 100'000U);
  EXPECT_EQ(after_input.substr(0, 11), "three\nfour\n");
  EXPECT_NE(after_input.find("ONE=1"), std::string::npos);
  EXPECT_EQ(after_input.find("PATH=/usr"), std::string::npos);
  EXPECT_EQ(after_input.substr(after_input.size() - 14), "0\n1\n2\n3\n4\n5\n6\n");  // 6 is of ls
}

TEST(ChildProcess, SaysHowItEnded) {
  EXPECT_EQ(run(shell("exit 3")).code, 3);
  EXPECT_EQ(run(shell("kill -9 $$")).code, 128 + 9);
  ChildSpec absent;
  absent.command = {"/nowhere/program"};
  EXPECT_EQ(run(absent).code, 127);
}

TEST(ChildProcess, StartsInItsFolderAndSession) {
  ChildSpec spec = shell("pwd >&2");
  spec.folder = "/usr";
  ChildProcess child(spec);
  EXPECT_EQ(getsid(child.id()), child.id());
  std::string output;
  while (child.read(output, /*seconds=*/10)) {
  }
  EXPECT_EQ(output.substr(0, 5), "/usr\n");
}

TEST(ChildProcess, KeepsToItsLimits) {
  ChildSpec spec =
      shell("ulimit -t >&2; ulimit -v >&2; ulimit -f >&2; ulimit -n >&2; ulimit -c >&2");
  spec.limits = {
      .cpu_seconds = 7, .memory_bytes = uint64_t{1} << 30, .file_bytes = 1 << 20, .open_files = 32};
  EXPECT_EQ(run(spec).output, "7\n1048576\n2048\n32\n0\n");
}

TEST(ChildProcess, IsKilledWithItsSession) {
  ChildProcess child(shell("sleep 1000 & sleep 1000"));
  child.kill();
  std::string output;
  while (child.read(output, /*seconds=*/10)) {  // ends when the last of them has closed it
  }
  EXPECT_EQ(child.wait().code, 128 + 9);
}

TEST(ChildProcess, IsKilledWithTheObject) {
  pid_t id = 0;
  {
    const ChildProcess child(shell("sleep 1000"));
    id = child.id();
  }
  EXPECT_NE(getsid(id), id);
}

TEST(ProcessHandle, EndsWhatAnotherHasStarted) {
  ChildProcess child(shell("sleep 1000"));
  const ProcessHandle handle(child.id());
  ASSERT_TRUE(handle.is_known());
  handle.kill();
  EXPECT_EQ(child.wait().code, 128 + 9);
  EXPECT_FALSE(ProcessHandle(0).is_known());
}

TEST(StarvedSeconds, AreThoseOfAProcessThatIsThere) {
  EXPECT_GE(starved_seconds(getpid()).value_or(0), 0);
  EXPECT_FALSE(starved_seconds(-1).has_value());
}

}  // namespace
}  // namespace sft
