#include "core/model/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/half.h"
#include "core/base/json_text.h"

namespace caldera {

static_assert(std::endian::native == std::endian::little, "files are read as little-endian");

namespace {

using Json = nlohmann::json;

constexpr uint64_t kLargestHeader = 100'000'000; // the reference reader's limit
constexpr size_t kAlignment = 64;
constexpr const char* kPaddingPrefix = "__padding__.";

/// Bytes of one element; 0 for an unknown type.
uint64_t elementBytes(const std::string& dtype) {
    static const std::map<std::string, uint64_t> sizes = {
        {"F64", 8}, {"I64", 8}, {"U64", 8},  {"F32", 4},     {"I32", 4},
        {"U32", 4}, {"F16", 2}, {"BF16", 2}, {"I16", 2},     {"U16", 2},
        {"I8", 1},  {"U8", 1},  {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
    };
    const auto found = sizes.find(dtype);
    return found == sizes.end() ? 0 : found->second;
}

/// Bytes of a tensor; nullopt when the type is unknown or the product does not fit in 63 bits.
std::optional<uint64_t> tensorBytes(const std::string& dtype, const std::vector<int64_t>& shape) {
    uint64_t bytes = elementBytes(dtype);
    if (bytes == 0) {
        return std::nullopt;
    }
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
        return 0;
    }
    for (const int64_t size : shape) {
        if (size < 0 ||
            static_cast<uint64_t>(size) > (std::numeric_limits<uint64_t>::max() >> 1) / bytes) {
            return std::nullopt;
        }
        bytes *= static_cast<uint64_t>(size);
    }
    return bytes;
}

[[noreturn]] void fail(const std::string& code, const std::string& file,
                       const std::string& sentence, const std::string& tensor = {}) {
    ErrorArgs args{{"file", file}};
    if (!tensor.empty()) {
        args.emplace_back("tensor", tensor);
    }
    throw Error("safetensors." + code, file + ": " + sentence, args);
}

/// One entry of the header, with its place in the data section.
struct HeaderEntry {
    std::string name;
    std::string dtype;
    std::vector<int64_t> shape;
    uint64_t begin = 0;
    uint64_t end = 0;
};

std::vector<uint64_t> unsignedList(const Json& json) {
    std::vector<uint64_t> values;
    for (const Json& value : json) {
        if (!value.is_number_unsigned() ||
            value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
            return {std::numeric_limits<uint64_t>::max()};
        }
        values.push_back(value.get<uint64_t>());
    }
    return values;
}

HeaderEntry parseEntry(const std::string& file, const std::string& name, const Json& json) {
    if (!json.is_object() || !json.contains("dtype") || !json["dtype"].is_string() ||
        !json.contains("shape") || !json["shape"].is_array() || !json.contains("data_offsets") ||
        !json["data_offsets"].is_array()) {
        fail("header", file, "tensor \"" + name + "\" needs dtype, shape and data_offsets.", name);
    }
    HeaderEntry entry{name, json["dtype"].get<std::string>(), {}, 0, 0};
    for (const uint64_t size : unsignedList(json["shape"])) {
        if (size == std::numeric_limits<uint64_t>::max()) {
            fail("shape", file, "the shape of \"" + name + "\" holds something that is no size.",
                 name);
        }
        entry.shape.push_back(static_cast<int64_t>(size));
    }
    const auto offsets = unsignedList(json["data_offsets"]);
    if (offsets.size() != 2 || offsets[0] > offsets[1]) {
        fail("offsets", file,
             "the data_offsets of \"" + name + "\" need to be a begin and an end, in that order.",
             name);
    }
    entry.begin = offsets[0];
    entry.end = offsets[1];
    return entry;
}

void checkEntry(const std::string& file, const HeaderEntry& entry, uint64_t dataBytes) {
    if (elementBytes(entry.dtype) == 0) {
        fail("dtype", file,
             "tensor \"" + entry.name + "\" has the unknown type \"" + entry.dtype + "\".",
             entry.name);
    }
    const auto needed = tensorBytes(entry.dtype, entry.shape);
    if (!needed) {
        fail("shape", file,
             "the shape " + shapeText(entry.shape) + " of \"" + entry.name + "\" is too large.",
             entry.name);
    }
    if (entry.end > dataBytes) {
        fail("truncated", file,
             "tensor \"" + entry.name + "\" ends at byte " + std::to_string(entry.end) +
                 " of the data, but the file holds " + std::to_string(dataBytes) +
                 ". The file is incomplete; fetch it again.",
             entry.name);
    }
    if (entry.end - entry.begin != *needed) {
        fail("size", file,
             "tensor \"" + entry.name + "\" " + entry.dtype + " " + shapeText(entry.shape) +
                 " needs " + std::to_string(*needed) + " bytes, but its offsets span " +
                 std::to_string(entry.end - entry.begin) + ".",
             entry.name);
    }
}

/// Tensors follow each other from the first byte to the last. A gap means that the header is not
/// the one of this data, and the weights are not where it says.
void checkCoverage(const std::string& file, std::vector<HeaderEntry> entries, uint64_t dataBytes) {
    std::sort(entries.begin(), entries.end(), [](const HeaderEntry& a, const HeaderEntry& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    uint64_t end = 0;
    std::string last;
    for (const HeaderEntry& entry : entries) {
        if (entry.begin < end && entry.begin != entry.end) {
            fail("overlap", file,
                 "tensors \"" + last + "\" and \"" + entry.name + "\" lie over each other.",
                 entry.name);
        }
        if (entry.begin > end) {
            fail("gap", file,
                 "bytes " + std::to_string(end) + " to " + std::to_string(entry.begin) +
                     " of the data, before \"" + entry.name +
                     "\", belong to no tensor. The file is damaged; fetch it again.",
                 entry.name);
        }
        if (entry.end > end) {
            end = entry.end;
            last = entry.name;
        }
    }
    if (end < dataBytes) {
        fail("gap", file,
             "the last " + std::to_string(dataBytes - end) +
                 " bytes belong to no tensor. The file is damaged; fetch it again.");
    }
}

std::map<std::string, std::string> parseMetadata(const std::string& file, const Json& json) {
    std::map<std::string, std::string> metadata;
    if (!json.is_object()) {
        fail("header", file, "__metadata__ needs to be an object of texts.");
    }
    for (const auto& [key, value] : json.items()) {
        if (!value.is_string()) {
            fail("header", file, "the metadata \"" + key + "\" needs to be a text.");
        }
        metadata[key] = value.get<std::string>();
    }
    return metadata;
}

template <typename Stored, typename Convert>
void convertElements(std::span<const std::byte> bytes, std::span<float> out, Convert convert) {
    for (size_t i = 0; i < out.size(); ++i) {
        Stored value;
        std::memcpy(&value, bytes.data() + i * sizeof(Stored), sizeof(Stored));
        out[i] = convert(value);
    }
}

} // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : file_(path) {
    const std::string where = path.string();
    const auto bytes = file_.bytes();
    uint64_t headerBytes = 0;
    if (bytes.size() < sizeof(headerBytes)) {
        fail("truncated", where,
             "the file has " + std::to_string(bytes.size()) +
                 " bytes; a safetensors file begins with 8 bytes of header length. "
                 "Fetch it again.");
    }
    std::memcpy(&headerBytes, bytes.data(), sizeof(headerBytes));
    if (headerBytes > kLargestHeader || headerBytes > bytes.size() - sizeof(headerBytes)) {
        fail(headerBytes > kLargestHeader ? "header" : "truncated", where,
             "the header claims " + std::to_string(headerBytes) + " bytes, but the file has " +
                 std::to_string(bytes.size() - sizeof(headerBytes)) +
                 " after the length. It is incomplete or no safetensors file.");
    }
    const auto data = bytes.subspan(sizeof(headerBytes) + headerBytes);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof(headerBytes),
                                headerBytes);
    const Json header = parseJson(text, where, "safetensors.header", DuplicateKeys::RefuseAtTop);
    if (!header.is_object()) {
        fail("header", where, "the header needs to be a JSON object.");
    }
    std::vector<HeaderEntry> entries;
    for (const auto& [name, json] : header.items()) {
        if (name == "__metadata__") {
            metadata_ = parseMetadata(where, json);
            continue;
        }
        entries.push_back(parseEntry(where, name, json));
        checkEntry(where, entries.back(), data.size());
    }
    checkCoverage(where, entries, data.size());
    for (HeaderEntry& entry : entries) {
        if (!entry.name.starts_with(kPaddingPrefix)) {
            tensors_[entry.name] = {std::move(entry.dtype), std::move(entry.shape),
                                    data.subspan(entry.begin, entry.end - entry.begin)};
        }
    }
}

const TensorView& SafetensorsFile::at(const std::string& name) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) {
        fail("tensor-missing", path().string(), "there is no tensor \"" + name + "\".", name);
    }
    return found->second;
}

void convertToFloat(const std::string& dtype, std::span<const std::byte> bytes,
                    std::span<float> out) {
    const auto toFloat = [](auto value) { return static_cast<float>(value); };
    const uint64_t element = elementBytes(dtype);
    if (element != 0 && bytes.size() != out.size() * element) {
        throw Error("safetensors.size", std::to_string(bytes.size()) + " bytes of " + dtype +
                                            " do not make " + std::to_string(out.size()) +
                                            " numbers.");
    }
    if (dtype == "F32") {
        std::memcpy(out.data(), bytes.data(), bytes.size());
    } else if (dtype == "BF16") {
        convertElements<uint16_t>(bytes, out, bf16ToFloat);
    } else if (dtype == "F16") {
        convertElements<uint16_t>(bytes, out, fp16ToFloat);
    } else if (dtype == "F64") {
        convertElements<double>(bytes, out, toFloat);
    } else if (dtype == "U8") {
        convertElements<uint8_t>(bytes, out, toFloat);
    } else if (dtype == "I8") {
        convertElements<int8_t>(bytes, out, toFloat);
    } else {
        throw Error("safetensors.dtype",
                    "Elements of type \"" + dtype +
                        "\" cannot be read as numbers; F32, F16, BF16, F64, U8 and I8 can.",
                    {{"dtype", dtype}});
    }
}

void SafetensorsWriter::add(std::string name, std::string dtype, std::vector<int64_t> shape,
                            std::span<const std::byte> bytes) {
    const bool repeated = std::any_of(entries_.begin(), entries_.end(),
                                      [&](const Entry& entry) { return entry.name == name; });
    if (repeated || name == "__metadata__" || name.starts_with(kPaddingPrefix)) {
        throw Error("safetensors.duplicate",
                    "A tensor \"" + name + "\" cannot be added: the name is taken.",
                    {{"tensor", name}});
    }
    const auto needed = tensorBytes(dtype, shape);
    if (!needed || *needed != bytes.size()) {
        throw Error("safetensors.size",
                    "Tensor \"" + name + "\" " + dtype + " " + shapeText(shape) + " was given " +
                        std::to_string(bytes.size()) + " bytes.",
                    {{"tensor", name}});
    }
    entries_.push_back(
        {std::move(name), std::move(dtype), std::move(shape), {bytes.begin(), bytes.end()}});
}

void SafetensorsWriter::setMetadata(std::string key, std::string value) {
    metadata_[std::move(key)] = std::move(value);
}

uint64_t SafetensorsWriter::byteCount() const {
    uint64_t bytes = 0;
    for (const Entry& entry : entries_) {
        bytes += (entry.bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
    }
    return bytes;
}

void SafetensorsWriter::write(const std::filesystem::path& path) const {
    constexpr std::array<std::byte, kAlignment> zeros{};
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    if (!metadata_.empty()) {
        header["__metadata__"] = metadata_;
    }
    uint64_t offset = 0;
    const auto place = [&](const std::string& name, const std::string& dtype,
                           const std::vector<int64_t>& shape, uint64_t bytes) {
        header[name] = {
            {"dtype", dtype}, {"shape", shape}, {"data_offsets", {offset, offset + bytes}}};
        offset += bytes;
    };
    for (const Entry& entry : entries_) {
        place(entry.name, entry.dtype, entry.shape, entry.bytes.size());
        // The reference reader refuses gaps, so padding is a tensor of its own.
        if (const uint64_t padding = (kAlignment - offset % kAlignment) % kAlignment; padding > 0) {
            place(kPaddingPrefix + std::to_string(offset), "U8", {static_cast<int64_t>(padding)},
                  padding);
        }
    }
    std::string text = header.dump();
    text.append((kAlignment - (sizeof(uint64_t) + text.size()) % kAlignment) % kAlignment, ' ');
    const uint64_t headerBytes = text.size();

    AtomicFile file(path);
    file.write(std::as_bytes(std::span(&headerBytes, 1)));
    file.write(text);
    for (const Entry& entry : entries_) {
        file.write(entry.bytes);
        const size_t padding = (kAlignment - entry.bytes.size() % kAlignment) % kAlignment;
        file.write(std::span(zeros).first(padding));
    }
    file.commit();
}

} // namespace caldera
