#include "core/model/model.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_text.h"
#include "core/model/gguf.h"
#include "core/model/model_reading.h"
#include "core/model/outline.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

void requireFile(const fs::path& folder, const char* name) {
    if (!fs::exists(folder / name)) { // opening says what else may be wrong with it
        throw Error("model.file-missing",
                    folder.string() + " has no " + name +
                        "; a model folder holds config.json, tokenizer.json and "
                        "*.safetensors.",
                    {{"folder", folder.string()}, {"file", name}});
    }
}

/// "chat_template" of a JSON object: a text, or a list of named ones of which "default" counts.
std::string templateText(const Json& json) {
    const Json value = json.is_object() ? json.value("chat_template", Json()) : Json();
    if (value.is_string()) {
        return value.get<std::string>();
    }
    for (const Json& entry : value.is_array() ? value : Json::array()) {
        if (entry.is_object() && entry.value("name", Json()) == "default" &&
            entry.contains("template") && entry["template"].is_string()) {
            return entry["template"].get<std::string>();
        }
    }
    return {};
}

std::string readTemplate(const fs::path& folder) {
    if (fs::is_regular_file(folder / "chat_template.jinja")) {
        return readTextFile(folder / "chat_template.jinja");
    }
    if (fs::is_regular_file(folder / "tokenizer_config.json")) {
        return templateText(readJsonFile(folder / "tokenizer_config.json", "tokenizer.config"));
    }
    return {};
}

std::shared_ptr<const Model> openFolder(const fs::path& folder) {
    if (isOutline(folder)) {
        return openOutline(folder);
    }
    requireFile(folder, "config.json");
    requireFile(folder, "tokenizer.json");
    const fs::path configPath = folder / "config.json";
    const fs::path tokenizerPath = folder / "tokenizer.json";
    ModelParts parts;
    parts.path = folder;
    parts.config = parseConfig(readJsonFile(configPath, "config.json"), configPath.string());
    parts.weights = mapSafetensors(folder);
    parts.tokenizer =
        Tokenizer::fromJson(readJsonFile(tokenizerPath, "tokenizer.json"), tokenizerPath.string());
    parts.jinjaTemplate = readTemplate(folder);
    return assembleModel(parts);
}

std::optional<fs::path> environmentPath(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0' ? std::optional<fs::path>(value) : std::nullopt;
}

fs::path hubCache() {
    if (const auto cache = environmentPath("HF_HUB_CACHE")) {
        return *cache;
    }
    if (const auto home = environmentPath("HF_HOME")) {
        return *home / "hub";
    }
    const auto cache = environmentPath("XDG_CACHE_HOME");
    const fs::path base = cache ? *cache : environmentPath("HOME").value_or("/") / ".cache";
    return base / "huggingface" / "hub";
}

/// The snapshot folder of "owner/name" in the Hugging Face cache; nullopt when it is not there.
std::optional<fs::path> cachedSnapshot(const std::string& name) {
    const size_t slash = name.find('/');
    if (slash == std::string::npos || slash == 0 ||
        name.find('/', slash + 1) != std::string::npos || name[0] == '.') {
        return std::nullopt;
    }
    const fs::path repository =
        hubCache() / ("models--" + name.substr(0, slash) + "--" + name.substr(slash + 1));
    if (fs::is_regular_file(repository / "refs" / "main")) {
        std::string commit = readTextFile(repository / "refs" / "main");
        commit.erase(commit.find_last_not_of(" \r\n") + 1);
        if (fs::is_directory(repository / "snapshots" / commit)) {
            return repository / "snapshots" / commit;
        }
    }
    return std::nullopt;
}

bool looksLikeGguf(const fs::path& path) {
    const MappedFile file(path);
    constexpr std::string_view magic = "GGUF";
    return path.extension() == ".gguf" ||
           (file.bytes().size() >= magic.size() &&
            std::equal(magic.begin(), magic.end(),
                       reinterpret_cast<const char*>(file.bytes().data())));
}

} // namespace

std::shared_ptr<const Model> openModel(const fs::path& path) {
    if (fs::is_directory(path)) {
        return openFolder(path);
    }
    if (fs::exists(path)) {
        if (looksLikeGguf(path)) {
            return openGgufModel(path);
        }
        throw Error("model.unknown-file",
                    path.string() + " is no model: give a folder with config.json, a .gguf file, "
                                    "or a name such as \"Qwen/Qwen2-0.5B\".",
                    {{"file", path.string()}});
    }
    if (const auto snapshot = cachedSnapshot(path.string())) {
        const auto cached = openFolder(*snapshot);
        auto model = std::make_shared<Model>(*cached);
        model->name = path.filename().string();
        return model;
    }
    throw Error("model.not-found",
                path.string() + " is neither a folder nor a file, and the Hugging Face cache " +
                    hubCache().string() + " has no such model.",
                {{"model", path.string()}, {"cache", hubCache().string()}});
}

std::vector<Token> encodeChat(const Tokenizer& tokenizer, const ChatTemplate& chat,
                              const std::vector<ChatMessage>& messages,
                              const std::stop_token& stop) {
    std::vector<Token> tokens;
    for (const ChatSegment& segment : chatSegments(chat, messages)) {
        const auto mark = segment.isMark ? tokenizer.find(segment.text) : std::nullopt;
        if (mark) {
            tokens.push_back(*mark);
            continue;
        }
        const auto text = tokenizer.encode(segment.text, Tokenizer::Special::AsText, stop);
        tokens.insert(tokens.end(), text.begin(), text.end());
    }
    return tokens;
}

std::vector<Token> stopTokens(const ModelConfig& config, const Tokenizer& tokenizer,
                              const ChatTemplate& chat) {
    std::vector<Token> tokens = config.eosTokens;
    if (const auto end = tokenizer.find(endOfTurnMark(chat.format))) {
        tokens.push_back(*end);
    }
    std::sort(tokens.begin(), tokens.end());
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    return tokens;
}

} // namespace caldera
