#include "sft/io/input_file.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "io/posix.h"

#include "sft/core/error.h"

namespace sft {

// Gives a file's bytes a chunk at a time; an empty chunk is the end. A chunk is valid until the
// next call.
class InputFile::Source {
 public:
  virtual ~Source() = default;
  virtual std::string_view next() = 0;
};

namespace {

namespace fs = std::filesystem;

constexpr size_t kChunkBytes = size_t{1} << 18;

class PlainSource final : public InputFile::Source {
 public:
  explicit PlainSource(const fs::path& path) : path_(path), buffer_(kChunkBytes) {
    if (path == "-") {
      path_ = "stdin";
      descriptor_ = STDIN_FILENO;
      return;
    }
    file_ = std::make_unique<Descriptor>(path, O_RDONLY);
    descriptor_ = file_->get();
    if (descriptor_ < 0) {
      throw_system_error(path, "open", errno);
    }
    struct stat status {};
    if (::fstat(descriptor_, &status) == 0 && S_ISDIR(status.st_mode)) {
      throw Error(path.string() + ": is a folder, not a file");
    }
  }

  std::string_view next() override {
    while (true) {
      const ssize_t count = ::read(descriptor_, buffer_.data(), buffer_.size());
      if (count >= 0) {
        return {buffer_.data(), static_cast<size_t>(count)};
      }
      if (errno != EINTR) {
        throw_system_error(path_, "read", errno);
      }
    }
  }

 private:
  fs::path path_;
  std::unique_ptr<Descriptor> file_;
  int descriptor_ = -1;
  std::vector<char> buffer_;
};

[[noreturn]] void refuse_cut(const fs::path& path, std::string_view kind) {
  throw Error(fmt::format("{}: ends in the middle of its {} data; was the download cut?",
                          path.string(), kind));
}

[[noreturn]] void refuse_broken(const fs::path& path, std::string_view kind, const char* why) {
  throw Error(fmt::format("{}: broken {} data: {}", path.string(), kind, why));
}

// RFC 1952: one or more members, one after another.
class GzipSource final : public InputFile::Source {
 public:
  explicit GzipSource(const fs::path& path) : path_(path), packed_(path), buffer_(kChunkBytes) {
    constexpr int kWindowBitsOfGzip = 15 + 16;
    SFT_CHECK(inflateInit2(&stream_, kWindowBitsOfGzip) == Z_OK);
  }
  ~GzipSource() override { inflateEnd(&stream_); }
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;

  std::string_view next() override {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_out = static_cast<uInt>(buffer_.size());
    while (stream_.avail_out > 0 && step()) {
    }
    return {buffer_.data(), buffer_.size() - stream_.avail_out};
  }

 private:
  // False at the end.
  bool step() {
    if (stream_.avail_in == 0) {
      const std::string_view packed = packed_.next();
      if (packed.empty()) {
        if (is_inside_) {
          refuse_cut(path_, "gzip");
        }
        return false;
      }
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
      stream_.avail_in = static_cast<uInt>(packed.size());
    }
    if (!is_inside_) {
      inflateReset(&stream_);
      is_inside_ = true;
    }
    const int result = inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      is_inside_ = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      refuse_broken(path_, "gzip", stream_.msg != nullptr ? stream_.msg : zError(result));
    }
    return true;
  }

  fs::path path_;
  PlainSource packed_;
  std::vector<char> buffer_;
  z_stream stream_ = {};
  bool is_inside_ = true;  // of a member; an empty file is none
};

// RFC 8878: one or more frames, one after another.
class ZstdSource final : public InputFile::Source {
 public:
  explicit ZstdSource(const fs::path& path)
      : path_(path), packed_(path), buffer_(kChunkBytes), stream_(ZSTD_createDStream()) {
    SFT_CHECK(stream_ != nullptr);
  }
  ~ZstdSource() override { ZSTD_freeDStream(stream_); }
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;

  std::string_view next() override {
    ZSTD_outBuffer out = {buffer_.data(), buffer_.size(), 0};
    while (out.pos < out.size && step(out)) {
    }
    return {buffer_.data(), out.pos};
  }

 private:
  bool step(ZSTD_outBuffer& out) {
    if (in_.pos == in_.size) {
      const std::string_view packed = packed_.next();
      in_ = {packed.data(), packed.size(), 0};
      // The decoder may still hold output when all its input is taken, so it is asked once more.
      if (packed.empty() && !is_inside_) {
        return false;
      }
    }
    const size_t before = out.pos;
    const size_t result = ZSTD_decompressStream(stream_, &out, &in_);
    if (ZSTD_isError(result) != 0) {
      refuse_broken(path_, "zstd", ZSTD_getErrorName(result));
    }
    is_inside_ = result != 0;
    if (is_inside_ && in_.size == 0 && out.pos == before) {
      refuse_cut(path_, "zstd");
    }
    return true;
  }

  fs::path path_;
  PlainSource packed_;
  std::vector<char> buffer_;
  ZSTD_DStream* stream_;
  ZSTD_inBuffer in_ = {nullptr, 0, 0};
  bool is_inside_ = true;
};

std::unique_ptr<InputFile::Source> open_source(const fs::path& path) {
  const std::string extension = path.extension().string();
  if (extension == ".gz") {
    return std::make_unique<GzipSource>(path);
  }
  if (extension == ".zst") {
    return std::make_unique<ZstdSource>(path);
  }
  return std::make_unique<PlainSource>(path);
}

}  // namespace

InputFile::InputFile(const fs::path& path)
    : name_(path == "-" ? "stdin" : path.string()), source_(open_source(path)) {}

InputFile::~InputFile() = default;

void InputFile::skip_byte_order_mark() {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  if (rest().starts_with(kMark)) {
    skip(kMark.size());
  }
}

bool InputFile::next_chunk() {
  chunk_ = source_->next();
  at_ = 0;
  return !chunk_.empty();
}

fs::path without_packing(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".gz" || extension == ".zst" ? path.parent_path() / path.stem() : path;
}

}  // namespace sft
