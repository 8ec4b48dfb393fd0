#include "core/model/gguf_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <set>

#include "core/base/error.h"
#include "core/model/byte_level.h"

namespace caldera {

namespace {

using Type = GgufValue::Type;

constexpr uint64_t kLongestName = 4096;
constexpr uint32_t kMostAxes = 4;
constexpr int kDeepestArray = 4;

/// Bytes of a value of fixed size; 0 for strings and arrays.
size_t fixedBytes(Type type) {
    switch (type) {
    case Type::U8:
    case Type::I8:
    case Type::Bool:
        return 1;
    case Type::U16:
    case Type::I16:
        return 2;
    case Type::U32:
    case Type::I32:
    case Type::F32:
        return 4;
    case Type::U64:
    case Type::I64:
    case Type::F64:
        return 8;
    case Type::String:
    case Type::Array:
        break;
    }
    return 0;
}

template <typename T>
T valueAt(std::span<const std::byte> bytes) {
    T value{};
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
}

std::optional<int64_t> integerOf(Type type, std::span<const std::byte> bytes) {
    switch (type) {
    case Type::U8:
        return valueAt<uint8_t>(bytes);
    case Type::I8:
        return valueAt<int8_t>(bytes);
    case Type::U16:
        return valueAt<uint16_t>(bytes);
    case Type::I16:
        return valueAt<int16_t>(bytes);
    case Type::U32:
        return valueAt<uint32_t>(bytes);
    case Type::I32:
        return valueAt<int32_t>(bytes);
    case Type::I64:
        return valueAt<int64_t>(bytes);
    case Type::U64: {
        const auto value = valueAt<uint64_t>(bytes);
        constexpr auto largest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
        return value <= largest ? std::optional(static_cast<int64_t>(value)) : std::nullopt;
    }
    default:
        return std::nullopt;
    }
}

/// The shortest decimal that reads back as this float: 1e-05, not 9.99999974737875e-06.
double plainNumber(float value) {
    std::array<char, 32> text{};
    const auto printed = std::to_chars(text.data(), text.data() + text.size(), value);
    double number = value;
    std::from_chars(text.data(), printed.ptr, number);
    return number;
}

/// Reads forward and never past the end.
class Cursor {
public:
    Cursor(std::span<const std::byte> bytes, std::string where)
        : bytes_(bytes), where_(std::move(where)) {}

    [[noreturn]] void fail(const std::string& code, const std::string& sentence) const {
        throw Error("gguf." + code, where_ + ": " + sentence, {{"file", where_}});
    }

    size_t position() const { return position_; }
    size_t remaining() const { return bytes_.size() - position_; }

    std::span<const std::byte> take(uint64_t count) {
        if (count > remaining()) {
            fail("truncated", "at byte " + std::to_string(position_) + " the file claims " +
                                  std::to_string(count) + " bytes more, but only " +
                                  std::to_string(remaining()) +
                                  " follow. It is incomplete; fetch it again.");
        }
        const auto part = bytes_.subspan(position_, count);
        position_ += count;
        return part;
    }

    template <typename T>
    T number() {
        return valueAt<T>(take(sizeof(T)));
    }

    std::string name() {
        const auto length = number<uint64_t>();
        if (length > kLongestName) {
            fail(length > remaining() ? "truncated" : "header",
                 "a name of " + std::to_string(length) + " bytes is claimed at byte " +
                     std::to_string(position_) + "; the header is damaged.");
        }
        const auto bytes = take(length);
        const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return validUtf8(text);
    }

    Type type() {
        const auto type = number<uint32_t>();
        if (type > static_cast<uint32_t>(Type::F64)) {
            fail("header", "metadata of the unknown type " + std::to_string(type) + " at byte " +
                               std::to_string(position_) + ".");
        }
        return static_cast<Type>(type);
    }

    void skipValue(Type type, int depth = 0) {
        if (type == Type::String) {
            take(number<uint64_t>());
        } else if (type == Type::Array) {
            skipArray(depth);
        } else {
            take(fixedBytes(type));
        }
    }

    std::span<const std::byte> since(size_t start) const {
        return bytes_.subspan(start, position_ - start);
    }

private:
    void skipArray(int depth) {
        if (depth == kDeepestArray) {
            fail("header", "a metadata array is nested too deeply.");
        }
        const Type element = type();
        const auto count = number<uint64_t>();
        if (const size_t bytes = fixedBytes(element); bytes > 0) {
            if (count > remaining() / bytes) {
                fail("truncated", "a metadata array claims " + std::to_string(count) +
                                      " values, but only " + std::to_string(remaining()) +
                                      " bytes follow. The file is incomplete; fetch it again.");
            }
            take(count * bytes);
            return;
        }
        for (uint64_t i = 0; i < count; ++i) {
            skipValue(element, depth + 1);
        }
    }

    std::span<const std::byte> bytes_;
    std::string where_;
    size_t position_ = 0;
};

void readMetadata(Cursor& cursor, uint64_t count, std::map<std::string, GgufValue>& metadata) {
    for (uint64_t i = 0; i < count; ++i) {
        const std::string key = cursor.name();
        const Type type = cursor.type();
        const size_t start = cursor.position();
        cursor.skipValue(type);
        if (!metadata.emplace(key, GgufValue(type, cursor.since(start))).second) {
            cursor.fail("header", "the metadata key \"" + key + "\" stands there twice.");
        }
    }
}

/// A tensor of the table; its bytes are found once the table's end is known.
struct TableEntry {
    GgufTensor tensor;
    uint64_t offset = 0;
    uint64_t bytes = 0;
};

TableEntry readEntry(Cursor& cursor) {
    TableEntry entry;
    entry.tensor.name = cursor.name();
    const std::string quoted = "tensor \"" + entry.tensor.name + "\"";
    const auto axes = cursor.number<uint32_t>();
    if (axes > kMostAxes) {
        cursor.fail("shape", quoted + " claims " + std::to_string(axes) + " axes; at most " +
                                 std::to_string(kMostAxes) + " are possible.");
    }
    uint64_t elements = 1;
    for (uint32_t axis = 0; axis < axes; ++axis) {
        const auto size = cursor.number<uint64_t>();
        if (size == 0 || size > (uint64_t{1} << 48) / elements) {
            cursor.fail("shape", quoted + " claims an axis of " + std::to_string(size) + ".");
        }
        elements *= size;
        entry.tensor.shape.insert(entry.tensor.shape.begin(), static_cast<int64_t>(size));
    }
    const auto number = cursor.number<uint32_t>();
    const auto type = ggufTypeFromNumber(number);
    if (!type) {
        cursor.fail("type", quoted + " has the GGUF type " + std::to_string(number) +
                                ", which is not supported; F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, "
                                "Q5_1 and Q2_K to Q6_K are.");
    }
    entry.tensor.type = *type;
    const GgufBlock block = ggufBlock(*type);
    const int64_t columns = axes == 0 ? 1 : entry.tensor.shape.back();
    if (columns % block.elements != 0) {
        cursor.fail("shape", quoted + " has rows of " + std::to_string(columns) + ", but " +
                                 std::string(ggufTypeName(*type)) + " comes in blocks of " +
                                 std::to_string(block.elements) + ".");
    }
    entry.bytes =
        elements / static_cast<uint64_t>(block.elements) * static_cast<uint64_t>(block.bytes);
    entry.offset = cursor.number<uint64_t>();
    return entry;
}

uint64_t alignmentOf(const Cursor& cursor, const std::map<std::string, GgufValue>& metadata) {
    const auto found = metadata.find("general.alignment");
    if (found == metadata.end()) {
        return 32;
    }
    const auto alignment = found->second.integer();
    if (!alignment || *alignment < 1 || *alignment > (1 << 20)) {
        cursor.fail("header", "general.alignment needs to be a number from 1 to 1048576.");
    }
    return static_cast<uint64_t>(*alignment);
}

void checkOverlap(const Cursor& cursor, const std::vector<TableEntry>& entries) {
    std::vector<const TableEntry*> sorted;
    sorted.reserve(entries.size());
    for (const TableEntry& entry : entries) {
        sorted.push_back(&entry);
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const TableEntry* a, const TableEntry* b) { return a->offset < b->offset; });
    for (size_t i = 1; i < sorted.size(); ++i) {
        if (sorted[i]->offset < sorted[i - 1]->offset + sorted[i - 1]->bytes) {
            cursor.fail("overlap", "tensors \"" + sorted[i - 1]->tensor.name + "\" and \"" +
                                       sorted[i]->tensor.name + "\" lie over each other.");
        }
    }
}

} // namespace

std::optional<int64_t> GgufValue::integer() const {
    return integerOf(type_, bytes_);
}

std::optional<double> GgufValue::number() const {
    if (type_ == Type::F32) {
        return plainNumber(valueAt<float>(bytes_));
    }
    if (type_ == Type::F64) {
        return valueAt<double>(bytes_);
    }
    const auto whole = integer();
    return whole ? std::optional(static_cast<double>(*whole)) : std::nullopt;
}

std::optional<bool> GgufValue::boolean() const {
    return type_ == Type::Bool ? std::optional(valueAt<uint8_t>(bytes_) != 0) : std::nullopt;
}

std::optional<std::string> GgufValue::text() const {
    if (type_ != Type::String) {
        return std::nullopt;
    }
    const auto bytes = bytes_.subspan(sizeof(uint64_t));
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return validUtf8(text) == text ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<std::vector<std::string>> GgufValue::texts() const {
    Cursor cursor(bytes_, "metadata");
    if (type_ != Type::Array || cursor.type() != Type::String) {
        return std::nullopt;
    }
    std::vector<std::string> values;
    const auto count = cursor.number<uint64_t>();
    for (uint64_t i = 0; i < count; ++i) {
        const size_t start = cursor.position();
        cursor.skipValue(Type::String);
        auto value = GgufValue(Type::String, cursor.since(start)).text();
        if (!value) {
            return std::nullopt;
        }
        values.push_back(std::move(*value));
    }
    return values;
}

std::optional<std::vector<int64_t>> GgufValue::integers() const {
    if (type_ != Type::Array) {
        return std::nullopt;
    }
    Cursor cursor(bytes_, "metadata");
    const Type element = cursor.type();
    std::vector<int64_t> values;
    const auto count = cursor.number<uint64_t>();
    for (uint64_t i = 0; i < count && fixedBytes(element) > 0; ++i) {
        const auto value = integerOf(element, cursor.take(fixedBytes(element)));
        if (!value) {
            return std::nullopt;
        }
        values.push_back(*value);
    }
    return values.size() == count ? std::optional(std::move(values)) : std::nullopt;
}

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
    Cursor cursor(file_.bytes(), path.string());
    constexpr uint32_t magic = 0x46554747; // "GGUF"
    if (cursor.remaining() < sizeof(magic) || cursor.number<uint32_t>() != magic) {
        cursor.fail("magic", "this is no GGUF file (it does not begin with \"GGUF\").");
    }
    const auto version = cursor.number<uint32_t>();
    if (version != 3) {
        cursor.fail("version", "GGUF version " + std::to_string(version) +
                                   " is not supported; version 3, little-endian, is. Convert the "
                                   "file with a current llama.cpp.");
    }
    const auto tensorCount = cursor.number<uint64_t>();
    const auto metadataCount = cursor.number<uint64_t>();
    readMetadata(cursor, metadataCount, metadata_);
    std::vector<TableEntry> entries;
    std::set<std::string> names;
    for (uint64_t i = 0; i < tensorCount; ++i) {
        entries.push_back(readEntry(cursor));
        if (!names.insert(entries.back().tensor.name).second) {
            cursor.fail("header", "tensor \"" + entries.back().tensor.name + "\" is there twice.");
        }
    }
    const uint64_t alignment = alignmentOf(cursor, metadata_);
    const uint64_t start = (cursor.position() + alignment - 1) / alignment * alignment;
    const uint64_t dataBytes =
        start < file_.bytes().size() ? file_.bytes().size() - start : uint64_t{0};
    for (TableEntry& entry : entries) {
        const std::string quoted = "tensor \"" + entry.tensor.name + "\"";
        if (entry.offset % alignment != 0) {
            cursor.fail("offset", quoted + " begins at byte " + std::to_string(entry.offset) +
                                      ", which is not aligned to " + std::to_string(alignment) +
                                      ".");
        }
        if (entry.offset > dataBytes || entry.bytes > dataBytes - entry.offset) {
            cursor.fail("truncated",
                        quoted + " needs " + std::to_string(entry.bytes) + " bytes from byte " +
                            std::to_string(entry.offset) + " of the data, but the file holds " +
                            std::to_string(dataBytes) + ". It is incomplete; fetch it again.");
        }
        entry.tensor.bytes = file_.bytes().subspan(start + entry.offset, entry.bytes);
    }
    checkOverlap(cursor, entries);
    for (TableEntry& entry : entries) {
        tensors_.push_back(std::move(entry.tensor));
    }
}

} // namespace caldera
