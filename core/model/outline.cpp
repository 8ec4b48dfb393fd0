#include "core/model/outline.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/format_version.h"
#include "core/base/json_text.h"
#include "core/base/printable.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kFile = "outline.json";
constexpr const char* kFormat = "caldera-outline";
constexpr int kMajor = 1;
constexpr size_t kLongestWord = 100;

/// Knows what there is, and reads nothing.
class OutlinedWeights final : public WeightSource {
public:
    OutlinedWeights(std::vector<TensorInfo> tensors, std::string name, std::string place)
        : tensors_(std::move(tensors)), name_(std::move(name)), place_(std::move(place)) {}

    const std::vector<TensorInfo>& tensors() const override { return tensors_; }
    const TensorInfo* find(const std::string& name) const override {
        const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                        [&](const TensorInfo& info) { return info.name == name; });
        return found == tensors_.end() ? nullptr : &*found;
    }
    void readRows(const std::string& /*name*/, int64_t /*first*/, int64_t /*count*/,
                  std::span<float> /*out*/) const override {
        throw Error("model.outline",
                    "The weights of " + name_ + " are not on this machine, only its outline is; " +
                        "they lie at " + place_ + " where that was made. Run this there.",
                    {{"model", name_}, {"place", place_}});
    }

private:
    std::vector<TensorInfo> tensors_;
    std::string name_;
    std::string place_;
};

Json tensorsJson(const WeightSource& weights) {
    Json list = Json::array();
    for (const TensorInfo& info : weights.tensors()) {
        list.push_back({{"name", info.name},
                        {"dtype", info.dtype},
                        {"shape", info.shape},
                        {"bytes", info.bytes}});
    }
    return list;
}

std::vector<TensorInfo> tensorsFrom(const Json& list) {
    std::vector<TensorInfo> tensors;
    for (const Json& entry : list) {
        tensors.push_back(
            {entry.at("name").get<std::string>(), entry.at("dtype").get<std::string>(),
             entry.at("shape").get<std::vector<int64_t>>(), entry.at("bytes").get<uint64_t>()});
    }
    return tensors;
}

[[noreturn]] void throwDamaged(const fs::path& file, const std::string& reason) {
    throw Error("model.outline-damaged",
                file.string() + " is not readable as a model's outline: " + reason +
                    ". Fetch the outline again.",
                {{"file", file.string()}, {"reason", reason}});
}

Json readOutline(const fs::path& file) {
    Json json = readJsonFile(file, "model.outline-damaged");
    const bool says = json.is_object() && json.value("format", Json()).is_string();
    const std::string text = says ? json["format"].get<std::string>() : std::string();
    const FormatFit fit = formatFit(text, kFormat, kMajor);
    if (fit == FormatFit::Newer) {
        throw Error("model.newer",
                    file.string() + " has format " + printable(text, kLongestWord) +
                        ", and this program reads up to " + formatText(kFormat, kMajor) +
                        ". Install a newer caldera.",
                    {{"file", file.string()}});
    }
    if (fit == FormatFit::Foreign) {
        throwDamaged(file, "its format is \"" + printable(text, kLongestWord) + "\"");
    }
    return json;
}

void fill(Model& model, const Json& json, const fs::path& file) {
    try {
        const auto format = parseChatFormat(json.at("chat_format").get<std::string>());
        if (!format) {
            throwDamaged(file, "its chat format is not known");
        }
        model.name = json.at("name").get<std::string>();
        model.fingerprint = json.at("fingerprint").get<std::string>();
        model.chat = {*format, json.at("default_system").get<std::string>()};
        model.weights = std::make_shared<OutlinedWeights>(
            tensorsFrom(json.at("tensors")), model.name, json.at("path").get<std::string>());
    } catch (const Json::exception& error) {
        throwDamaged(file, error.what());
    }
}

} // namespace

bool isOutline(const fs::path& folder) {
    std::error_code ignored;
    return fs::is_regular_file(folder / kFile, ignored);
}

void writeOutline(const Model& model, const fs::path& folder) {
    fs::create_directories(folder);
    if (isOutline(model.path)) {
        for (const char* name : {"config.json", "tokenizer.json", kFile}) {
            writeFileAtomically(folder / name, readTextFile(model.path / name));
        }
        return;
    }
    const Json json = {{"format", formatText(kFormat, kMajor)},
                       {"name", model.name},
                       {"path", fs::absolute(model.path).lexically_normal().string()},
                       {"fingerprint", model.fingerprint},
                       {"chat_format", chatFormatName(model.chat.format)},
                       {"default_system", model.chat.defaultSystem},
                       {"tensors", tensorsJson(*model.weights)}};
    writeFileAtomically(folder / "config.json", configToJson(model.config).dump(2) + "\n");
    writeFileAtomically(folder / "tokenizer.json", model.tokenizer->json());
    // It comes last: without it there is no outline.
    writeFileAtomically(folder / kFile,
                        json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::shared_ptr<const Model> openOutline(const fs::path& folder) {
    const fs::path config = folder / "config.json";
    const fs::path tokenizer = folder / "tokenizer.json";
    auto model = std::make_shared<Model>();
    fill(*model, readOutline(folder / kFile), folder / kFile);
    model->path = folder;
    model->config = parseConfig(readJsonFile(config, "config.json"), config.string());
    model->tokenizer =
        Tokenizer::fromJson(readJsonFile(tokenizer, "tokenizer.json"), tokenizer.string());
    return model;
}

} // namespace caldera
