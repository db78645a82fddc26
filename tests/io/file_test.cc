#include "sft/io/file.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message_of.h"
#include "temp_folder.h"

#include "sft/core/error.h"

namespace sft {
namespace {

namespace fs = std::filesystem;
constexpr auto kReplace = AtomicFolder::Existing::kReplace;
using testing::ElementsAre;
using testing::HasSubstr;

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

// Runs `action` in a child process that is then killed, as a run out of memory would be.
template <typename Action>
void run_and_kill(const Action& action) {
  const pid_t child = fork();
  if (child == 0) {
    action();
    raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST(ReadFile, GivesAllBytes) {
  const TempFolder temp;
  const std::string bytes("a\0b\n\xFF", 5);
  EXPECT_EQ(read_file(temp.write("f", bytes)), bytes);
  EXPECT_EQ(read_file(temp.write("empty", "")), "");
}

TEST(ReadFile, SaysWhatIsThereInstead) {
  const TempFolder temp;
  const fs::path file = temp.write("f", "12345");
  EXPECT_THAT(message_of([&] { read_file(temp.path() / "no"); }),
              HasSubstr("no: cannot open: No such file"));
  EXPECT_THAT(message_of([&] { read_file(temp.path()); }), HasSubstr("is a folder, not a file"));
  EXPECT_THAT(message_of([&] { read_file(file / "x"); }), HasSubstr("Not a directory"));
  EXPECT_THAT(message_of([&] { read_file("/dev/null"); }), HasSubstr("is not a regular file"));
  EXPECT_EQ(message_of([&] { read_file(file, 4); }),
            file.string() + ": 5 bytes long, at most 4 B are read");
}

TEST(ReadFile, DoesNotWaitForAPipe) {
  const TempFolder temp;
  const fs::path pipe = temp.path() / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(message_of([&] { read_file(pipe); }), HasSubstr("is not a regular file"));
}

TEST(MappedFile, ShowsTheBytesAndKeepsThemWhereTheyAreWhenMoved) {
  const TempFolder temp;
  MappedFile first(temp.write("f", "abc"));
  const std::byte* const address = first.bytes().data();
  const MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes().data(), address);
  EXPECT_EQ(static_cast<char>(second.bytes()[2]), 'c');
  EXPECT_EQ(second.path(), temp.path() / "f");
}

TEST(MappedFile, TakesAnEmptyFile) {
  const TempFolder temp;
  EXPECT_TRUE(MappedFile(temp.write("f", "")).bytes().empty());
}

TEST(AtomicFile, AppearsAtCommitOnly) {
  const TempFolder temp;
  const fs::path path = temp.path() / "new" / "folder" / "f";
  AtomicFile file(path);
  file.write("abc");
  EXPECT_FALSE(fs::exists(path));
  file.commit();
  EXPECT_EQ(read_whole_file(path), "abc");
  EXPECT_THAT(names_in(path.parent_path()), ElementsAre("f"));
}

TEST(AtomicFile, WritesSmallAndLargePiecesInOrder) {
  const TempFolder temp;
  std::string expected;
  AtomicFile file(temp.path() / "f");
  for (const size_t bytes : {1, 70'000, 65'536, 65'535, 3, 200'000}) {
    const std::string piece(bytes, static_cast<char>('a' + expected.size() % 26));
    file.write(piece);
    expected += piece;
  }
  file.commit();
  EXPECT_EQ(read_whole_file(temp.path() / "f"), expected);
}

TEST(CopyFile, TakesEveryByteAndLeavesNothingWhereItFails) {
  const TempFolder folder;
  std::string bytes(3'000'001, 'x');
  bytes.back() = '\0';
  const fs::path from = folder.write("from", bytes);
  write_copy(from, folder.path() / "to");
  EXPECT_EQ(read_file(folder.path() / "to"), bytes);
  write_copy(folder.write("empty", ""), folder.path() / "to");
  EXPECT_EQ(read_file(folder.path() / "to"), "");
  EXPECT_THROW(write_copy(from, folder.path() / "from" / "to"), Error);
  EXPECT_THROW(write_copy(folder.path() / "none", folder.path() / "new"), Error);
  EXPECT_FALSE(fs::exists(folder.path() / "new"));
}

TEST(AtomicFile, WithoutCommitNothingRemains) {
  const TempFolder temp;
  temp.write("old", "old");
  {
    AtomicFile file(temp.path() / "a" / "b" / "f");
    file.write("abc");
    AtomicFile replacement(temp.path() / "old");
    replacement.write("new");
  }
  EXPECT_THAT(names_in(temp.path()), ElementsAre("old"));
  EXPECT_EQ(read_whole_file(temp.path() / "old"), "old");
}

TEST(AtomicFile, ReplacesARegularFileOnly) {
  const TempFolder temp;
  const fs::path file = temp.write("f", "old");
  fs::create_symlink("f", temp.path() / "link");
  write_file(file, "new");
  EXPECT_EQ(read_whole_file(file), "new");
  EXPECT_THAT(message_of([&] { write_file(temp.path(), "x"); }), HasSubstr("is a folder"));
  EXPECT_THAT(message_of([&] { write_file(temp.path() / "link", "x"); }),
              HasSubstr("is a symbolic link"));
  EXPECT_THAT(message_of([&] { write_file("/dev/null", "x"); }),
              HasSubstr("is not a regular file"));
  EXPECT_THAT(message_of([&] { write_file(file / "x" / "y", "x"); }),
              HasSubstr(file.string() + " is not a folder"));
  EXPECT_THAT(message_of([&] { write_file("", "x"); }), HasSubstr("names no file"));
  EXPECT_EQ(read_whole_file(file), "new");
  EXPECT_EQ(names_in(temp.path()).size(), 2U);
}

TEST(AtomicFile, SaysWhereItCannotWrite) {
  EXPECT_THAT(message_of([] { write_file("/proc/sft_no_such/f", "x"); }),
              HasSubstr("/proc/sft_no_such: cannot make the folder: "));
}

TEST(AtomicFile, AFullDiskLeavesNothing) {
  const TempFolder temp;
  const fs::path path = temp.path() / "f";
  // A limit on the file's size stands for the full disk: write(2) fails half-way as well.
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = message_of([&] { write_file(path, std::string(100'000, 'x')); });
    _exit(message == path.string() + ": cannot write: File too large" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(fs::is_empty(temp.path()));
}

TEST(AtomicFile, RemovesWhatAKilledRunLeft) {
  const TempFolder temp;
  const fs::path path = temp.path() / "f";
  run_and_kill([&] { (new AtomicFile(path))->write("abc"); });
  ASSERT_FALSE(fs::is_empty(temp.path()));
  write_file(path, "new");
  EXPECT_THAT(names_in(temp.path()), ElementsAre("f"));
}

TEST(AtomicFile, LeavesTheWorkOfALivingProcess) {
  const TempFolder temp;
  AtomicFile first(temp.path() / "f");
  first.write("first");
  write_file(temp.path() / "f", "second");
  first.commit();
  EXPECT_EQ(read_whole_file(temp.path() / "f"), "first");
}

TEST(AtomicFolder, AppearsWholeAtCommit) {
  const TempFolder temp;
  const fs::path path = temp.path() / "runs" / "a" / "";
  AtomicFolder folder(path);
  write_file(folder.staging() / "sub" / "f", "abc");
  EXPECT_FALSE(fs::exists(path));
  folder.commit();
  EXPECT_EQ(read_whole_file(path / "sub" / "f"), "abc");
  EXPECT_THAT(names_in(temp.path() / "runs"), ElementsAre("a"));
}

TEST(AtomicFolder, WithoutCommitNothingRemains) {
  const TempFolder temp;
  {
    const AtomicFolder folder(temp.path() / "runs" / "a");
    write_file(folder.staging() / "f", "abc");
  }
  EXPECT_TRUE(fs::is_empty(temp.path()));
}

TEST(AtomicFolder, ReplacesAFolderOnlyWhereTold) {
  const TempFolder temp;
  const fs::path path = temp.path() / "a";
  temp.write("a/old", "old");
  EXPECT_THAT(message_of([&] { AtomicFolder folder(path); }), HasSubstr("exists already"));
  AtomicFolder folder(path, kReplace);
  write_file(folder.staging() / "new", "new");
  EXPECT_THAT(names_in(path), ElementsAre("old"));
  folder.commit();
  EXPECT_THAT(names_in(path), ElementsAre("new"));
  EXPECT_THAT(names_in(temp.path()), ElementsAre("a"));
}

TEST(AtomicFolder, NeverReplacesWhatIsNoFolder) {
  const TempFolder temp;
  const fs::path file = temp.write("f", "abc");
  fs::create_directory(temp.path() / "d");
  fs::create_symlink("d", temp.path() / "link");
  EXPECT_THAT(message_of([&] { AtomicFolder folder(file, kReplace); }), HasSubstr("is a file"));
  EXPECT_THAT(message_of([&] { AtomicFolder folder(temp.path() / "link", kReplace); }),
              HasSubstr("is a symbolic link"));
  EXPECT_THAT(message_of([&] { AtomicFolder folder(file / "x", kReplace); }),
              HasSubstr("is not a folder"));
  EXPECT_THAT(message_of([&] { AtomicFolder folder("..", kReplace); }), HasSubstr("names no file"));
  EXPECT_EQ(names_in(temp.path()).size(), 3U);
}

TEST(AtomicFolder, DoesNotOverwriteWhatCameMeanwhile) {
  const TempFolder temp;
  const fs::path path = temp.path() / "a";
  AtomicFolder folder(path);
  temp.write("a/f", "someone else's");
  EXPECT_THAT(message_of([&] { folder.commit(); }), HasSubstr("exists already"));
  EXPECT_EQ(read_whole_file(path / "f"), "someone else's");
}

TEST(AtomicFolder, RemovesWhatAKilledRunLeftAndNothingElse) {
  const TempFolder temp;
  const fs::path path = temp.path() / "a";
  run_and_kill([&] { write_file((new AtomicFolder(path))->staging() / "f", "abc"); });
  ASSERT_EQ(names_in(temp.path()).size(), 1U);
  temp.write(".a.tmp-mine/f", "a name of another kind");
  temp.write(".a.tmp-00000000-1-1-0/f", "of another host");
  const AtomicFolder other(path);
  AtomicFolder folder(path);
  write_file(folder.staging() / "f", "new");
  folder.commit();
  EXPECT_EQ(read_whole_file(path / "f"), "new");
  EXPECT_TRUE(fs::exists(other.staging()));
  EXPECT_EQ(names_in(temp.path()).size(), 4U);
}

TEST(AtomicFolder, PutsBackAFolderThatAKilledRunHadMovedAside) {
  const TempFolder temp;
  const fs::path path = temp.path() / "a";
  run_and_kill([&] {
    std::string aside = (new AtomicFolder(path))->staging().string();
    aside.replace(aside.find(".tmp-"), 5, ".old-");
    fs::create_directory(aside);
    write_file(fs::path(aside) / "f", "old");
  });
  EXPECT_THAT(message_of([&] { AtomicFolder folder(path); }), HasSubstr("exists already"));
  EXPECT_EQ(read_whole_file(path / "f"), "old");
  EXPECT_THAT(names_in(temp.path()), ElementsAre("a"));
}

}  // namespace
}  // namespace sft
