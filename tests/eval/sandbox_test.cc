#include "sft/eval/sandbox.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox_fixture.h"
#include "temp_folder.h"

#include "sft/core/clock.h"
#include "sft/io/child_process.h"

namespace sft {
namespace {

TEST_F(SandboxTest, OutcomesAreThoseOfTheTests) {
  struct Case {
    std::string code;
    std::string tests;
    ProgramEnd end;
  };
  const std::vector<Case> cases = {
      {"def f(x):\n    return x + 1", "assert f(1) == 2", ProgramEnd::kPassed},
      {"def f(x):\n    return x", "assert f(1) == 2", ProgramEnd::kAssertion},
      {"class Bad(AssertionError): pass\nraise Bad", "", ProgramEnd::kAssertion},
      {"def f(x)\n    return x", "assert f(1) == 2", ProgramEnd::kFailed},
      {"", "assert f(1) == 2", ProgramEnd::kFailed},
      {"", "", ProgramEnd::kPassed},
      {"def f(x):\n    return f(x)", "f(1)", ProgramEnd::kFailed},
      {"input()", "", ProgramEnd::kFailed},
      {"print('a', end='')\nimport sys\nsys.stderr.write('b')", "", ProgramEnd::kPassed},
      {"if __name__ == '__main__':\n    raise ValueError", "", ProgramEnd::kPassed},
      {"x = '\u00e9\u3042'", "assert len(x) == 2", ProgramEnd::kPassed},
      {std::string("x = 'a\0b'", 9), "", ProgramEnd::kFailed},
      {"import os\nos.abort()", "", ProgramEnd::kFailed},
      {"while True: pass", "", ProgramEnd::kTimedOut},
      {"try:\n    while True: pass\nexcept BaseException: pass", "", ProgramEnd::kTimedOut},
  };
  std::vector<Program> programs;
  programs.reserve(cases.size());
  for (const Case& c : cases) {
    programs.push_back(python(c.code, c.tests, /*seconds=*/1));
  }
  const std::vector<ProgramEnd> ends = run_all(programs);
  for (size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(ends[i], cases[i].end) << cases[i].code;
  }
}

// Hashes of texts are not random, so that a program which prints a set ends alike in each run.
TEST_F(SandboxTest, ARunRepeats) {
  const Program program = python(
      "order = list({'one', 'two', 'three', 'four', 'five'})",
      "assert order == list({'one', 'two', 'three', 'four', 'five'})\n"
      "assert hash('one') % 2 == " +
          std::string(run(python("", "assert hash('one') % 2 == 0")) == ProgramEnd::kPassed ? "0"
                                                                                            : "1"));
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(run(program), ProgramEnd::kPassed);
  }
}

TEST_F(SandboxTest, EqualProgramsRunOnceAndAllAreAnswered) {
  const Program wrong = python("", "assert False");
  const Program right = python("", "assert True");
  size_t num_done = 0;
  const std::vector<ProgramEnd> ends =
      Sandbox(this_machine(), 2).run(std::vector{right, wrong, right, wrong, wrong}, [&] {
        ++num_done;
      });
  EXPECT_EQ(num_done, 2U);
  EXPECT_EQ(ends, (std::vector{ProgramEnd::kPassed, ProgramEnd::kAssertion, ProgramEnd::kPassed,
                               ProgramEnd::kAssertion, ProgramEnd::kAssertion}));
  EXPECT_TRUE(run_all({}).empty());
}

// Whether a process that this one has started, or a process of these, is still there.
bool has_children() {
  return waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD;
}

// Runs a program that would go on for ever, for one second.
class Containment : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    prctl(PR_SET_CHILD_SUBREAPER, 1);  // what is left behind becomes ours
  }

  void expect_ended(const std::string& code, ProgramEnd end) {
    const SystemClock clock;
    const double start = clock.monotonic_seconds();
    EXPECT_EQ(run(python("import os\n" + code, "", /*seconds=*/1)), end) << code;
    EXPECT_LT(clock.monotonic_seconds() - start, 15) << code;
    EXPECT_FALSE(has_children()) << code;
  }
};

TEST_F(Containment, OfAForkBomb) {
  expect_ended("while True: os.fork()", ProgramEnd::kFailed);
  expect_ended("while True:\n    try: os.fork()\n    except OSError: pass", ProgramEnd::kTimedOut);
  expect_ended("import subprocess\nsubprocess.run(['/usr/bin/true'])", ProgramEnd::kFailed);
  expect_ended("import multiprocessing\nmultiprocessing.Process(target=print).start()",
               ProgramEnd::kFailed);
  expect_ended(
      "import threading, time\nwhile True:\n"
      "    threading.Thread(target=time.sleep, args=(99,)).start()",
      ProgramEnd::kFailed);
  expect_ended("os.posix_spawn('/usr/bin/true', ['true'], {})", ProgramEnd::kFailed);
}

TEST_F(Containment, OfAMemoryBomb) {
  expect_ended("x = bytearray(4 << 30)", ProgramEnd::kFailed);
  expect_ended("x = []\nwhile True: x.append(bytearray(10 << 20))", ProgramEnd::kFailed);
  expect_ended("os.memfd_create('x')", ProgramEnd::kFailed);
}

TEST_F(Containment, OfEndlessOutput) {
  expect_ended("while True: print('x' * 1000)", ProgramEnd::kTimedOut);
  expect_ended("while True: os.write(1, b'x' * 1000)", ProgramEnd::kTimedOut);
  expect_ended(
      "while True:\n    for fd in range(8):\n        try: os.write(fd, b'x' * 1000)\n"
      "        except OSError: pass",
      ProgramEnd::kFailed);
}

TEST_F(Containment, OfEndlessSleep) {
  expect_ended("import time\ntime.sleep(1e6)", ProgramEnd::kTimedOut);
  expect_ended(
      "import signal\nfor i in range(1, 32):\n"
      "    try: signal.signal(i, signal.SIG_IGN)\n    except OSError: pass\n"
      "import time\nwhile True: time.sleep(1)",
      ProgramEnd::kTimedOut);
  expect_ended(
      "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
      "os.closerange(0, 99)\nthreading.Event().wait()",
      ProgramEnd::kTimedOut);
}

TEST_F(Containment, OfSignals) {
  expect_ended("os.kill(os.getppid(), 9)", ProgramEnd::kFailed);
  expect_ended("os.kill(-1, 9)", ProgramEnd::kFailed);
  expect_ended("os.killpg(0, 9)", ProgramEnd::kFailed);
}

TEST_F(Containment, OfFiles) {
  expect_ended("for i in range(10000):\n    open(f'/tmp/{i}', 'w').write('x')",
               ProgramEnd::kPassed);
  EXPECT_EQ(run(python("import os", "assert os.listdir('/tmp') == []")), ProgramEnd::kPassed);
  expect_ended("open('x', 'wb').write(bytes(20_000_000))", ProgramEnd::kFailed);
  expect_ended("for i in range(100):\n    open(f'{i}', 'wb').write(bytes(10_000_000))",
               ProgramEnd::kFailed);
  expect_ended("while True: open(f'/tmp/{os.urandom(8).hex()}', 'w')", ProgramEnd::kTimedOut);
  for (const char* const folder : {"/", "/usr", "/dev", "/dev/shm", "/lib", "/etc", "/var/tmp"}) {
    expect_ended(std::string("open('") + folder + "/x', 'w')", ProgramEnd::kFailed);
  }
}

// A file of this user that a program looks for.
class Secret {
 public:
  Secret() : path_(folder_.write("secret", "mine")) {}
  const std::filesystem::path& path() const { return path_; }
  bool is_whole() const { return read_whole_file(path_) == "mine"; }

 private:
  TempFolder folder_;
  std::filesystem::path path_;
};

TEST_F(Containment, OfDeletion) {
  const Secret secret;
  expect_ended(
      "import shutil\nfor folder in ('/etc', '/lib', '/tmp', '/usr/bin', '/dev', '/home', '" +
          secret.path().parent_path().string() +
          "'):\n    shutil.rmtree(folder, ignore_errors=True)\nos.remove('" +
          secret.path().string() + "')",
      ProgramEnd::kFailed);
  EXPECT_TRUE(secret.is_whole());
  EXPECT_TRUE(std::filesystem::exists("/usr/bin/env"));
}

TEST_F(Containment, OfReading) {
  const Secret secret;
  const char* const home = std::getenv("HOME");
  const std::string places = "['" + secret.path().string() + "', '" +
                             (home != nullptr ? home : "/root") +
                             "', '/home', '/root', '/etc/passwd', '/proc', '/sys', '/var', '/run', "
                             "'" SFT_TEST_SOURCE_DIR "']";
  EXPECT_EQ(run(python("import os", "assert not [p for p in " + places +
                                        " if os.path.exists(p)]\n"
                                        "assert not os.environ\n"
                                        "assert sorted(os.listdir('/'))[-2:] == ['tmp', 'usr']\n"
                                        "assert os.getcwd() == '/tmp'")),
            ProgramEnd::kPassed);
}

// A server of this machine that waits for programs.
class Listener {
 public:
  Listener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        listen(socket_, 1) != 0 ||
        getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("cannot listen on 127.0.0.1");
    }
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  int port() const { return port_; }
  bool was_called() const { return accept(socket_, nullptr, nullptr) >= 0; }

 private:
  int socket_;
  int port_ = 0;
};

TEST_F(Containment, OfSockets) {
  const Listener listener;
  const std::string call = "import socket\nsocket.create_connection(('127.0.0.1', " +
                           std::to_string(listener.port()) + "), 1)";
  expect_ended(call, ProgramEnd::kFailed);
  expect_ended("import socket\nsocket.socket(socket.AF_UNIX)", ProgramEnd::kFailed);
  expect_ended("import asyncio\nasync def one(): return 1\nassert asyncio.run(one()) == 1",
               ProgramEnd::kPassed);  // it has pairs
  EXPECT_FALSE(listener.was_called());
}

// Many at once that each need half of their time: together they take far longer than one may.
TEST_F(SandboxTest, ABusyMachineFailsNoProgram) {
  if (!starved_seconds(getpid())) {
    GTEST_SKIP() << "this kernel does not count how long processes wait for a processor";
  }
  constexpr int kPrograms = 12;
  std::vector<Program> programs;
  programs.reserve(kPrograms);
  for (int i = 0; i < kPrograms; ++i) {
    programs.push_back(
        python("import time\nwhile time.process_time() < 0.5: pass\nn = " + std::to_string(i),
               "assert n >= 0", /*seconds=*/1));
  }
  const std::vector<ProgramEnd> ends = run_all(programs, /*num_at_once=*/kPrograms);
  EXPECT_EQ(std::count(ends.begin(), ends.end(), ProgramEnd::kPassed), kPrograms);
}

TEST_F(SandboxTest, StopsWhereTheCallerThrows) {
  struct Stop {};
  std::vector<Program> programs = {python("", "")};
  for (int i = 0; i < 8; ++i) {
    programs.push_back(python("import time\ntime.sleep(1e6)\nn = " + std::to_string(i), "",
                              /*seconds=*/600));
  }
  EXPECT_THROW(Sandbox(this_machine(), 2).run(programs, [] { throw Stop(); }), Stop);
  EXPECT_FALSE(has_children());
}

TEST(CheckSandbox, SaysWhatIsMissing) {
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", /*replace=*/1);
  const SandboxCheck check = check_sandbox(Confinement::kSandbox);
  setenv("PATH", path.c_str(), /*replace=*/1);
  if (check.fix == "apt-get install python3") {
    GTEST_SKIP() << check.fault;
  }
  EXPECT_EQ(check.fault, "bubblewrap is not installed");
  EXPECT_EQ(check.fix, "apt-get install bubblewrap");
}

TEST(CheckSandbox, SaysWhatBubblewrapSays) {
  const TempFolder folder;
  const auto fake =
      folder.write("bwrap", "#!/bin/sh\necho 'bwrap: no namespaces for you' >&2\nexit 1\n");
  std::filesystem::permissions(fake, std::filesystem::perms::owner_all);
  const std::string path = std::getenv("PATH");
  setenv("PATH", folder.path().c_str(), /*replace=*/1);
  const SandboxCheck check = check_sandbox(Confinement::kSandbox);
  setenv("PATH", path.c_str(), /*replace=*/1);
  if (check.fix == "apt-get install python3") {
    GTEST_SKIP() << check.fault;
  }
  EXPECT_EQ(check.fault, "bubblewrap does not work: bwrap: no namespaces for you");
  EXPECT_NE(check.fix.find("user namespaces"), std::string::npos);
}

// Bubblewrap 0.6, of Ubuntu 22.04, cannot say how large /tmp is.
TEST_F(SandboxTest, RunsInAnOlderBubblewrap) {
  const TempFolder folder;
  const std::string real = this_machine().command.front();
  const auto old = folder.write("bwrap",
                                "#!/bin/sh\ncase \"$*\" in *--size*) echo 'bwrap: Unknown option "
                                "--size' >&2; exit 1;; esac\nexec " +
                                    real + " \"$@\"\n");
  std::filesystem::permissions(old, std::filesystem::perms::owner_all);
  const std::string path = std::getenv("PATH");
  setenv("PATH", folder.path().c_str(), /*replace=*/1);
  const SandboxCheck check = check_sandbox(Confinement::kSandbox);
  setenv("PATH", path.c_str(), /*replace=*/1);
  EXPECT_EQ(check.fault, "");
  EXPECT_EQ(Sandbox(check, 1).run(std::vector{python("", "assert True")}, [] {}).at(0),
            ProgramEnd::kPassed);
}

TEST(WithoutASandbox, ProgramsHaveLimitsAllTheSame) {
  const SandboxCheck machine = check_sandbox(Confinement::kNone);
  if (!machine.fault.empty()) {
    GTEST_SKIP() << machine.fault;
  }
  EXPECT_NE(machine.interpreter.find("no sandbox"), std::string::npos);
  const std::vector<std::pair<Program, ProgramEnd>> cases = {
      {python("import os\nopen('x', 'w')", "assert os.listdir() == ['x'] and not os.environ"),
       ProgramEnd::kPassed},
      {python("", "assert False"), ProgramEnd::kAssertion},
      {python("import os\nos._exit(0)", ""), ProgramEnd::kFailed},
      {python("import os\nwhile True: os.fork()", ""), ProgramEnd::kFailed},
      {python("import os\nos.kill(os.getppid(), 9)", ""), ProgramEnd::kFailed},
      {python("import socket\nsocket.socket()", ""), ProgramEnd::kFailed},
      {python("x = bytearray(4 << 30)", ""), ProgramEnd::kFailed},
      {python("import time\ntime.sleep(1e6)", "", /*seconds=*/1), ProgramEnd::kTimedOut},
      {python("while True: pass", "", /*seconds=*/1), ProgramEnd::kTimedOut},
  };
  for (const auto& [program, end] : cases) {
    EXPECT_EQ(Sandbox(machine, 1).run(std::vector{program}, [] {}).at(0), end) << program.code;
  }
  EXPECT_FALSE(has_children());
}

}  // namespace
}  // namespace sft
