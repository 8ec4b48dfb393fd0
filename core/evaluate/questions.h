// Multiple-choice questions in files of one JSON object a line (docs/formats/questions.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace caldera {

/// A text and how it may go on. The continuation alone is scored.
struct Choice {
    std::string context;
    std::string continuation; ///< with the space before it
    bool operator==(const Choice&) const = default;
};

struct Question {
    std::vector<Choice> choices; ///< two or more
    int answer = 0;              ///< index of the right one
};

/// Takes our own form and those in which PIQA, HellaSwag, ARC and WinoGrande are published. Answers
/// that stand apart (PIQA's) come from `labels`, a number a line; empty: they are in the questions.
/// `file` is where the text is from; `limit` above 0 takes only so many from the beginning. Throws
/// Error("file.*") of the labels, Error("questions.line") with file and line,
/// Error("questions.labels"), Error("questions.empty").
std::vector<Question> parseQuestions(const std::string& text, const std::filesystem::path& file,
                                     const std::filesystem::path& labels = {}, int64_t limit = 0);

/// The same of a file. Throws what readUtf8File() throws, too.
std::vector<Question> readQuestions(const std::filesystem::path& file,
                                    const std::filesystem::path& labels = {}, int64_t limit = 0);

} // namespace caldera
