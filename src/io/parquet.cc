#include "sft/io/parquet.h"

#include <string>
#include <utility>

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/properties.h>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int64_t kBatchRows = 1024;
constexpr int64_t kStreamBytes = int64_t{1} << 20;

void check(const arrow::Status& status, const std::string& path) {
  if (!status.ok()) {
    const std::string& message = status.message();
    throw Error(path + ": cannot be read as Parquet: " + message.substr(0, message.find('\n')));
  }
}

template <typename T>
T value_of(arrow::Result<T> result, const std::string& path) {
  check(result.status(), path);
  return std::move(result).ValueUnsafe();
}

// Turns the cells of a batch's columns into JSON. `where` opens the message of an Error.
Json cell(const arrow::Array& column, int64_t row, const std::string& where);

Json text_cell(std::string_view text, const std::string& where) {
  if (!arrow::util::ValidateUTF8(text)) {
    throw Error(where + ": is no valid UTF-8");
  }
  return std::string(text);
}

template <typename Array>
Json number_cell(const arrow::Array& column, int64_t row) {
  return static_cast<const Array&>(column).Value(row);
}

template <typename Array>
Json list_cell(const arrow::Array& column, int64_t row, const std::string& where) {
  const auto& list = static_cast<const Array&>(column);
  Json items = Json::array();
  const auto begin = static_cast<int64_t>(list.value_offset(row));
  const auto length = static_cast<int64_t>(list.value_length(row));
  for (int64_t i = begin; i < begin + length; ++i) {
    items.push_back(cell(*list.values(), i, where));
  }
  return items;
}

Json struct_cell(const arrow::Array& column, int64_t row, const std::string& where) {
  const auto& members = static_cast<const arrow::StructArray&>(column);
  Json object = Json::object();
  for (int i = 0; i < members.num_fields(); ++i) {
    object[members.struct_type()->field(i)->name()] = cell(*members.field(i), row, where);
  }
  return object;
}

Json cell(const arrow::Array& column, int64_t row, const std::string& where) {
  if (column.IsNull(row)) {
    return nullptr;
  }
  switch (column.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return text_cell(static_cast<const arrow::BinaryArray&>(column).GetView(row), where);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return text_cell(static_cast<const arrow::LargeBinaryArray&>(column).GetView(row), where);
    case arrow::Type::BOOL:
      return number_cell<arrow::BooleanArray>(column, row);
    case arrow::Type::INT8:
      return number_cell<arrow::Int8Array>(column, row);
    case arrow::Type::UINT8:
      return number_cell<arrow::UInt8Array>(column, row);
    case arrow::Type::INT16:
      return number_cell<arrow::Int16Array>(column, row);
    case arrow::Type::UINT16:
      return number_cell<arrow::UInt16Array>(column, row);
    case arrow::Type::INT32:
      return number_cell<arrow::Int32Array>(column, row);
    case arrow::Type::UINT32:
      return number_cell<arrow::UInt32Array>(column, row);
    case arrow::Type::INT64:
      return number_cell<arrow::Int64Array>(column, row);
    case arrow::Type::UINT64:
      return number_cell<arrow::UInt64Array>(column, row);
    case arrow::Type::FLOAT:
      return number_cell<arrow::FloatArray>(column, row);
    case arrow::Type::DOUBLE:
      return number_cell<arrow::DoubleArray>(column, row);
    case arrow::Type::LIST:
      return list_cell<arrow::ListArray>(column, row, where);
    case arrow::Type::LARGE_LIST:
      return list_cell<arrow::LargeListArray>(column, row, where);
    case arrow::Type::FIXED_SIZE_LIST:
      return list_cell<arrow::FixedSizeListArray>(column, row, where);
    case arrow::Type::STRUCT:
      return struct_cell(column, row, where);
    case arrow::Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(column);
      return cell(*coded.dictionary(), coded.GetValueIndex(row), where);
    }
    default:
      return value_of(column.GetScalar(row), where)->ToString();
  }
}

}  // namespace

struct ParquetReader::State {
  std::string path;
  std::unique_ptr<parquet::arrow::FileReader> file;
  std::unique_ptr<arrow::RecordBatchReader> batches;
  std::shared_ptr<arrow::RecordBatch> batch;
  int64_t next_in_batch = 0;
  int64_t row = 0;  // of the file, from 1

  // False at the end of the file.
  bool has_row() {
    while (batch == nullptr || next_in_batch == batch->num_rows()) {
      next_in_batch = 0;
      check(batches->ReadNext(&batch), path);
      if (batch == nullptr) {
        return false;
      }
    }
    return true;
  }
};

ParquetReader::ParquetReader(const std::filesystem::path& path) : state_(new State) {
  static const bool kIsReady = (arrow::util::InitializeUTF8(), true);
  SFT_CHECK(kIsReady);
  state_->path = path.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw Error(state_->path + ": no such file");
  }
  // The program's own allocator, so that all memory is counted in one place.
  arrow::MemoryPool* const pool = arrow::system_memory_pool();
  parquet::ReaderProperties properties(pool);
  properties.enable_buffered_stream();
  properties.set_buffer_size(kStreamBytes);
  parquet::ArrowReaderProperties arrow_properties(/*use_threads=*/false);
  arrow_properties.set_batch_size(kBatchRows);
  arrow_properties.set_pre_buffer(false);
  parquet::arrow::FileReaderBuilder builder;
  auto input = value_of(arrow::io::ReadableFile::Open(state_->path, pool), state_->path);
  check(builder.Open(std::move(input), properties), state_->path);
  check(builder.memory_pool(pool)->properties(arrow_properties)->Build(&state_->file),
        state_->path);
  state_->batches = value_of(state_->file->GetRecordBatchReader(), state_->path);
}

ParquetReader::~ParquetReader() = default;

std::optional<JsonlReader::Row> ParquetReader::next() {
  State& state = *state_;
  if (!state.has_row()) {
    return std::nullopt;
  }
  ++state.row;
  std::string where = fmt::format("{}: row {}", state.path, state.row);
  Json value = Json::object();
  for (int i = 0; i < state.batch->num_columns(); ++i) {
    const std::string& name = state.batch->column_name(i);
    value.push_back({name, cell(*state.batch->column(i), state.next_in_batch,
                                fmt::format("{}: '{}'", where, name))});
  }
  ++state.next_in_batch;
  return JsonlReader::Row{.value = std::move(value), .where = std::move(where)};
}

}  // namespace sft
