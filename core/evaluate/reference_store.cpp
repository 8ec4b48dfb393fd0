#include "core/evaluate/reference_store.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <span>
#include <utility>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/hash.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFormat = "caldera-reference";
constexpr int kMajor = 1;
constexpr const char* kFactsFile = "reference.json";
constexpr size_t kLargestFacts = size_t{1} << 20;
constexpr size_t kFolderDigits = 32;
constexpr size_t kHashDigits = 64;

Json keyDocument(const ReferenceFacts& facts) {
    return {{"format", formatText(kFormat, kMajor)},
            {"fingerprint", facts.fingerprint},
            {"text", facts.text},
            {"context", facts.contextLength},
            {"predicted", facts.predicted},
            {"vocabulary", facts.vocabulary},
            {"likeliest", facts.keep.likeliest},
            {"sampled", facts.keep.sampled},
            {"seed", facts.keep.seed}};
}

bool arePossible(const ReferenceFacts& facts) {
    return facts.vocabulary >= 2 && facts.keep.likeliest >= 1 && facts.keep.sampled >= 2 &&
           facts.keep.sampled <= facts.vocabulary;
}

[[noreturn]] void refuse(const fs::path& file) {
    throw Error("reference.corrupt",
                file.string() + " is not what --keep-reference writes. Remove the folder and run "
                                "the reference again.",
                {{"path", file.string()}});
}

ReferenceFacts factsOf(const Json& json) {
    ReferenceFacts facts;
    facts.name = json.at("name").get<std::string>();
    facts.fingerprint = json.at("fingerprint").get<std::string>();
    facts.text = json.at("text").get<std::string>();
    facts.contextLength = json.at("context").get<int>();
    facts.predicted = json.at("predicted").get<int64_t>();
    facts.vocabulary = json.at("vocabulary").get<int>();
    facts.keep.likeliest = json.at("likeliest").get<int64_t>();
    facts.keep.sampled = json.at("sampled").get<int64_t>();
    facts.keep.seed = json.at("seed").get<uint64_t>();
    return facts;
}

/// The tensors of a window in the order of its file.
std::array<const torch::Tensor*, 6> parts(const KeptRows& rows) {
    return {&rows.loss,       &rows.tailMass,
            &rows.tokens,     &rows.logProbabilities,
            &rows.tailTokens, &rows.tailLogProbabilities};
}

std::span<std::byte> bytesOf(const torch::Tensor& tensor) {
    return {static_cast<std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

/// Whether all kept tokens are of the vocabulary.
bool areTokens(const torch::Tensor& tokens, int vocabulary) {
    return tokens.numel() == 0 ||
           (tokens.min().item<int>() >= 0 && tokens.max().item<int>() < vocabulary);
}

bool areNumbers(const KeptRows& kept) {
    for (const torch::Tensor* part :
         {&kept.loss, &kept.tailMass, &kept.logProbabilities, &kept.tailLogProbabilities}) {
        if (!part->isfinite().all().item<bool>()) {
            return false;
        }
    }
    return true;
}

} // namespace

std::string ReferenceFacts::key() const {
    return sha256Hex(keyDocument(*this).dump());
}

ReferenceStore::ReferenceStore(fs::path folder, ReferenceFacts facts)
    : folder_(std::move(folder)), facts_(std::move(facts)) {}

ReferenceStore ReferenceStore::create(const fs::path& root, const ReferenceFacts& facts) {
    ReferenceStore store(root / facts.key().substr(0, kFolderDigits), facts);
    std::error_code failure;
    fs::create_directories(store.folder_, failure); // the write below says what is wrong
    Json document = keyDocument(facts);
    document["name"] = facts.name;
    writeFileAtomically(store.folder_ / kFactsFile, document.dump(2) + "\n");
    return store;
}

bool isReferenceStore(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_regular_file(folder / kFactsFile, ignored);
}

ReferenceStore ReferenceStore::open(const fs::path& folder) {
    const fs::path file = folder / kFactsFile;
    if (!isReferenceStore(folder)) {
        throw Error("reference.missing",
                    "No predictions are kept in " + folder.string() + ": it has no " + kFactsFile +
                        ". Give the model, or a folder that \"caldera evaluate "
                        "--keep-reference\" made.",
                    {{"path", folder.string()}});
    }
    try {
        const Json json = Json::parse(readTextFile(file, kLargestFacts));
        const auto format = json.at("format").get<std::string>();
        if (formatFit(format, kFormat, kMajor) == FormatFit::Newer) {
            throw Error("reference.newer",
                        file.string() + " is of the format " + format +
                            ", which a newer Caldera wrote; this one reads " +
                            formatText(kFormat, kMajor) + ". Update Caldera.",
                        {{"path", file.string()}});
        }
        ReferenceFacts facts = factsOf(json);
        if (formatFit(format, kFormat, kMajor) != FormatFit::Readable || !arePossible(facts)) {
            refuse(file);
        }
        return {folder, std::move(facts)};
    } catch (const Json::exception&) {
        refuse(file);
    }
}

fs::path ReferenceStore::fileOf(int64_t window) const {
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "window-%06lld.rows", static_cast<long long>(window));
    return folder_ / name.data();
}

std::optional<KeptRows> ReferenceStore::load(int64_t window, int64_t rows) const {
    const fs::path file = fileOf(window);
    std::error_code ignored;
    if (!fs::is_regular_file(file, ignored)) {
        return std::nullopt;
    }
    const MappedFile map(file);
    KeptRows kept = emptyRows(rows, facts_.vocabulary, facts_.keep);
    size_t size = 0;
    for (const torch::Tensor* part : parts(kept)) {
        size += part->nbytes();
    }
    if (map.bytes().size() != size + kHashDigits) {
        return std::nullopt;
    }
    const auto content = map.bytes().first(size);
    const std::string hash = sha256Hex(content);
    if (std::memcmp(map.bytes().data() + size, hash.data(), kHashDigits) != 0) {
        return std::nullopt;
    }
    size_t offset = 0;
    for (const torch::Tensor* part : parts(kept)) {
        const std::span<std::byte> to = bytesOf(*part);
        if (!to.empty()) {
            std::memcpy(to.data(), content.data() + offset, to.size());
        }
        offset += to.size();
    }
    const bool isSound = areTokens(kept.tokens, facts_.vocabulary) &&
                         areTokens(kept.tailTokens, facts_.vocabulary) && areNumbers(kept);
    return isSound ? std::optional(kept) : std::nullopt;
}

void ReferenceStore::save(int64_t window, const KeptRows& rows) const {
    Sha256 hash;
    AtomicFile file(fileOf(window));
    for (const torch::Tensor* part : parts(rows)) {
        hash.update(bytesOf(*part));
        file.write(bytesOf(*part));
    }
    file.write(hash.hex());
    file.commit();
}

} // namespace caldera
