#include "core/base/json_text.h"

#include <optional>
#include <unordered_set>

#include "core/base/error.h"
#include "core/base/file.h"

namespace caldera {

namespace {

using Json = nlohmann::json;

constexpr int kDeepest = 64;

/// Looks at a text before a value is made of it. (A callback of Json::parse could do the same, but
/// then each list or object costs a walk over its siblings.)
class Survey : public nlohmann::json_sax<Json> {
public:
    bool isTooDeep() const { return depth_ > kDeepest; }
    const std::optional<std::string>& repeatedKey() const { return repeated_; }

    bool start_object(size_t /*size*/) override { return enter(); }
    bool start_array(size_t /*size*/) override { return enter(); }
    bool end_object() override { return leave(); }
    bool end_array() override { return leave(); }
    bool key(std::string& name) override {
        if (depth_ == 1 && !repeated_ && !keys_.insert(name).second) {
            repeated_ = name;
        }
        return true;
    }
    bool null() override { return true; }
    bool boolean(bool /*value*/) override { return true; }
    bool number_integer(int64_t /*value*/) override { return true; }
    bool number_unsigned(uint64_t /*value*/) override { return true; }
    bool number_float(double /*value*/, const std::string& /*text*/) override { return true; }
    bool string(std::string& /*value*/) override { return true; }
    bool binary(Json::binary_t& /*value*/) override { return true; }
    bool parse_error(size_t /*position*/, const std::string& /*token*/,
                     const Json::exception& /*error*/) override {
        return false;
    }

private:
    bool enter() { return ++depth_ <= kDeepest; }
    bool leave() {
        --depth_;
        return true;
    }

    int depth_ = 0;
    std::unordered_set<std::string> keys_;
    std::optional<std::string> repeated_;
};

Survey surveyOf(std::string_view text) {
    Survey survey;
    Json::sax_parse(text.begin(), text.end(), &survey);
    return survey;
}

/// "at line 1, column 5: ..." without the library's own name and number in front.
std::string reasonOf(const Json::exception& exception) {
    const std::string text = exception.what();
    const size_t end = text.find("] ");
    return text.starts_with('[') && end != std::string::npos ? text.substr(end + 2) : text;
}

} // namespace

bool nestsTooDeep(std::string_view json) {
    return surveyOf(json).isTooDeep();
}

nlohmann::json parseJson(std::string_view text, const std::string& where, const std::string& code,
                         DuplicateKeys duplicates) {
    const Survey survey = surveyOf(text);
    if (survey.isTooDeep()) {
        throw Error(code,
                    where + ": the JSON is nested deeper than " + std::to_string(kDeepest) +
                        " levels.",
                    {{"file", where}});
    }
    if (duplicates == DuplicateKeys::RefuseAtTop && survey.repeatedKey()) {
        throw Error(code, where + ": the key \"" + *survey.repeatedKey() + "\" stands there twice.",
                    {{"file", where}});
    }
    try {
        return Json::parse(text.begin(), text.end());
    } catch (const Json::exception& exception) {
        const std::string reason = text.empty() ? "it is empty" : reasonOf(exception);
        throw Error(code,
                    where + " is damaged: its JSON cannot be read (" + reason +
                        "). Fetch the file again.",
                    {{"file", where}, {"reason", reason}});
    }
}

nlohmann::json readJsonFile(const std::filesystem::path& path, const std::string& code) {
    return parseJson(readTextFile(path), path.string(), code);
}

} // namespace caldera
