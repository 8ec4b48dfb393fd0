#include "core/evaluate/questions.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <optional>
#include <sstream>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/saying_where.h"
#include "core/model/text_file.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// What a line says; the answer may stand in another file.
struct Draft {
    std::vector<Choice> choices;
    std::optional<int64_t> answer;
};

[[noreturn]] void refuse(const std::string& sentence) {
    throw Error("questions.line", sentence);
}

std::string textAt(const Json& json, const char* key) {
    const auto found = json.find(key);
    if (found == json.end() || !found->is_string()) {
        refuse(std::string("The key \"") + key + "\" is missing or is no text.");
    }
    return found->get<std::string>();
}

std::vector<std::string> textsAt(const Json& json, const char* key) {
    const auto found = json.find(key);
    const auto isText = [](const Json& entry) { return entry.is_string(); };
    if (found == json.end() || !found->is_array() ||
        !std::all_of(found->begin(), found->end(), isText)) {
        refuse(std::string("The key \"") + key + "\" is missing or is no list of texts.");
    }
    return found->get<std::vector<std::string>>();
}

std::optional<int64_t> wholeNumber(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
        text.remove_suffix(1);
    }
    int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool isWhole = failure == std::errc() && end == text.data() + text.size();
    return isWhole ? std::optional(value) : std::nullopt;
}

/// A number, also one written as a text; absent when there is none.
std::optional<int64_t> answerAt(const Json& json, const char* key, int first = 0) {
    const auto found = json.find(key);
    if (found == json.end() || found->is_null() || *found == "") {
        return std::nullopt;
    }
    const auto value = found->is_string()           ? wholeNumber(found->get<std::string>())
                       : found->is_number_integer() ? std::optional(found->get<int64_t>())
                                                    : std::nullopt;
    if (!value || *value < std::numeric_limits<int>::min()) {
        refuse(std::string("The key \"") + key + "\" is no whole number.");
    }
    return *value - first;
}

std::string trimmed(const std::string& text) {
    const char* const spaces = " \t\r\n";
    const size_t begin = text.find_first_not_of(spaces);
    return begin == std::string::npos
               ? ""
               : text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

std::vector<Choice> endingsOf(const std::string& context, const std::vector<std::string>& endings,
                              const char* space = "") {
    std::vector<Choice> choices;
    for (const std::string& ending : endings) {
        choices.push_back({context, space + ending});
    }
    return choices;
}

Draft ours(const Json& json) {
    if (json.contains("contexts")) {
        Draft draft{{}, answerAt(json, "answer")};
        for (const std::string& context : textsAt(json, "contexts")) {
            draft.choices.push_back({context, textAt(json, "continuation")});
        }
        return draft;
    }
    return {endingsOf(textAt(json, "context"), textsAt(json, "choices")), answerAt(json, "answer")};
}

Draft piqa(const Json& json) {
    return {endingsOf("Question: " + textAt(json, "goal") + "\nAnswer:",
                      {textAt(json, "sol1"), textAt(json, "sol2")}, " "),
            answerAt(json, "label")};
}

/// HellaSwag's texts from WikiHow hold marks of their layout: "[title]" ends a sentence, others go.
std::string withoutMarks(const std::string& text) {
    std::string clean;
    for (size_t i = 0; i < text.size(); ++i) {
        const size_t end = text[i] == '[' ? text.find(']', i) : std::string::npos;
        if (end == std::string::npos) {
            clean += text[i];
        } else {
            if (text.compare(i, end - i, "[title") == 0 && clean.ends_with(' ')) {
                clean.back() = '.';
            }
            i = end;
        }
    }
    std::string single; // spaces that the marks leave
    std::copy_if(clean.begin(), clean.end(), std::back_inserter(single),
                 [&](char c) { return c != ' ' || !single.ends_with(' '); });
    return trimmed(single);
}

Draft hellaSwag(const Json& json) {
    std::string context = json.contains("ctx_a") ? textAt(json, "ctx_a") : textAt(json, "ctx");
    if (json.contains("ctx_a") && json.contains("ctx_b")) {
        std::string second = textAt(json, "ctx_b");
        for (size_t i = 0; i < second.size(); ++i) { // as Python's capitalize()
            const auto letter = static_cast<unsigned char>(second[i]);
            second[i] = static_cast<char>(i == 0 ? std::toupper(letter) : std::tolower(letter));
        }
        context += " " + second;
    }
    if (json.contains("activity_label")) {
        context = textAt(json, "activity_label") + ": " + context;
    }
    std::vector<std::string> endings = textsAt(json, "endings");
    std::transform(endings.begin(), endings.end(), endings.begin(), withoutMarks);
    return {endingsOf(withoutMarks(context), endings, " "), answerAt(json, "label")};
}

/// Both as AI2 publishes it, {"question": {"stem", "choices": [{"text", "label"}]}}, and as the
/// Hugging Face hub does, {"question", "choices": {"text": [], "label": []}}.
Draft arc(const Json& json) {
    const Json& question = json.at("question");
    std::vector<std::string> texts;
    std::vector<std::string> labels;
    if (question.is_object()) {
        const auto choices = question.find("choices");
        if (choices == question.end() || !choices->is_array()) {
            refuse("The key \"question\" has no list of \"choices\".");
        }
        for (const Json& choice : *choices) {
            texts.push_back(textAt(choice, "text"));
            labels.push_back(textAt(choice, "label"));
        }
    } else {
        const Json choices = json.value("choices", Json());
        texts = textsAt(choices, "text");
        labels = textsAt(choices, "label");
    }
    const std::string stem =
        question.is_object() ? textAt(question, "stem") : textAt(json, "question");
    const auto answer = std::find(labels.begin(), labels.end(), textAt(json, "answerKey"));
    return {endingsOf("Question: " + stem + "\nAnswer:", texts, " "), answer - labels.begin()};
}

/// The option goes into the gap, and what follows it is scored: the same words after each.
Draft winoGrande(const Json& json) {
    const std::string sentence = textAt(json, "sentence");
    const size_t gap = sentence.find('_');
    if (gap == std::string::npos) {
        refuse("The sentence has no gap \"_\".");
    }
    Draft draft{{}, answerAt(json, "answer", 1)};
    for (const char* option : {"option1", "option2"}) {
        draft.choices.push_back({sentence.substr(0, gap) + textAt(json, option),
                                 " " + trimmed(sentence.substr(gap + 1))});
    }
    return draft;
}

Draft parse(const std::string& line) {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) {
        refuse("The line is no JSON object.");
    }
    if (json.contains("goal")) {
        return piqa(json);
    }
    if (json.contains("endings")) {
        return hellaSwag(json);
    }
    if (json.contains("sentence")) {
        return winoGrande(json);
    }
    if (json.contains("question")) {
        return arc(json);
    }
    return ours(json);
}

std::vector<std::string> linesOf(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    while (!lines.empty() && trimmed(lines.back()).empty()) {
        lines.pop_back();
    }
    return lines;
}

Question checked(Draft draft, const std::optional<int64_t>& label) {
    const std::optional<int64_t> answer = label ? label : draft.answer;
    const auto isHollow = [](const Choice& choice) {
        return choice.context.empty() || trimmed(choice.continuation).empty();
    };
    if (draft.choices.size() < 2 ||
        std::any_of(draft.choices.begin(), draft.choices.end(), isHollow)) {
        refuse("A question needs at least two choices, and no text of them may be empty.");
    }
    if (!answer) {
        refuse("It does not say which choice is right. If the answers are in a file of their own, "
               "give it with --labels.");
    }
    if (*answer < 0 || static_cast<size_t>(*answer) >= draft.choices.size()) {
        refuse("The answer is not one of the " + std::to_string(draft.choices.size()) +
               " choices.");
    }
    return {std::move(draft.choices), static_cast<int>(*answer)};
}

std::vector<std::optional<int64_t>> readLabels(const fs::path& file, size_t count) {
    if (file.empty()) {
        return std::vector<std::optional<int64_t>>(count);
    }
    std::vector<std::optional<int64_t>> labels;
    for (const std::string& line : linesOf(readUtf8File(file))) {
        labels.push_back(wholeNumber(line));
        if (!labels.back()) {
            throw Error("questions.labels",
                        file.string() + ":" + std::to_string(labels.size()) +
                            ": a whole number was needed, the index of the right choice.",
                        {{"path", file.string()}});
        }
    }
    if (labels.size() != count) {
        throw Error("questions.labels",
                    file.string() + " has " + std::to_string(labels.size()) + " answers for " +
                        std::to_string(count) + " questions. Give the file that belongs to them.",
                    {{"path", file.string()}});
    }
    return labels;
}

} // namespace

std::vector<Question> parseQuestions(const std::string& text, const fs::path& file,
                                     const fs::path& labels, int64_t limit) {
    const std::vector<std::string> lines = linesOf(text);
    const std::vector<std::optional<int64_t>> answers = readLabels(labels, lines.size());
    std::vector<Question> questions;
    for (size_t i = 0; i < lines.size(); ++i) {
        if (limit > 0 && static_cast<int64_t>(i) >= limit) {
            break;
        }
        questions.push_back(sayingWhere(file.string() + ":" + std::to_string(i + 1),
                                        [&] { return checked(parse(lines[i]), answers[i]); }));
    }
    if (questions.empty()) {
        throw Error("questions.empty", file.string() + " holds no questions.",
                    {{"path", file.string()}});
    }
    return questions;
}

std::vector<Question> readQuestions(const fs::path& file, const fs::path& labels, int64_t limit) {
    return parseQuestions(readUtf8File(file), file, labels, limit);
}

} // namespace caldera
