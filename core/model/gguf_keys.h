// Metadata by key, with a complaint that names file and key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/model/gguf_file.h"

namespace caldera {

class GgufKeys {
public:
    explicit GgufKeys(const GgufFile& file) : file_(file) {}

    [[noreturn]] void fail(const std::string& code, const std::string& sentence) const {
        throw Error("gguf." + code, file_.path().string() + ": " + sentence,
                    {{"file", file_.path().string()}});
    }

    bool has(const std::string& key) const { return file_.metadata().contains(key); }

    std::optional<int64_t> integer(const std::string& key) const {
        return read(key, "a whole number", &GgufValue::integer);
    }
    std::optional<double> number(const std::string& key) const {
        return read(key, "a number", &GgufValue::number);
    }
    std::optional<bool> boolean(const std::string& key) const {
        return read(key, "true or false", &GgufValue::boolean);
    }
    std::optional<std::string> text(const std::string& key) const {
        return read(key, "a text", &GgufValue::text);
    }
    std::optional<std::vector<std::string>> texts(const std::string& key) const {
        return read(key, "a list of texts", &GgufValue::texts);
    }
    std::optional<std::vector<int64_t>> integers(const std::string& key) const {
        return read(key, "a list of whole numbers", &GgufValue::integers);
    }

    /// The value, or the complaint that the key is missing.
    template <typename T>
    T needed(const std::string& key, std::optional<T> value) const {
        if (!value) {
            fail("key-missing", "the metadata key \"" + key + "\" is missing.");
        }
        return std::move(*value);
    }

private:
    template <typename T>
    std::optional<T> read(const std::string& key, const char* kind,
                          std::optional<T> (GgufValue::*as)() const) const {
        const auto found = file_.metadata().find(key);
        if (found == file_.metadata().end()) {
            return std::nullopt;
        }
        auto value = (found->second.*as)();
        if (!value) {
            fail("key", "the metadata \"" + key + "\" needs to be " + kind + ".");
        }
        return value;
    }

    const GgufFile& file_;
};

} // namespace caldera
