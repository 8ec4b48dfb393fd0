#include "app/cli/usage_complaint.h"

#include <cstdint>
#include <limits>

#include "core/base/printable.h"
#include "core/base/text.h"

namespace caldera::cli {

namespace {

constexpr size_t kLongestMessage = 2000; // of bytes; what is typed may be a file by mistake
constexpr size_t kLongestWord = 200;

/// Where the words of a command line lead.
struct Place {
    CLI::App* app;
    std::string command; ///< "caldera plan check"
    std::string unknown; ///< a word that stands where a subcommand is needed and is none
};

bool takesNextWord(const CLI::App& app, const std::string& word) {
    const CLI::Option* option = app.get_option_no_throw(word);
    return option != nullptr && option->get_items_expected_min() > 0;
}

/// Null when there is none.
CLI::App* subcommandOf(CLI::App& app, const std::string& name) {
    const auto named = app.get_subcommands(
        [&name](const CLI::App* command) { return command->get_name() == name; });
    return named.empty() ? nullptr : named.front();
}

Place placeOf(CLI::App& app, const std::vector<std::string>& words) {
    Place place{&app, app.get_name(), {}};
    for (size_t i = 0; i < words.size() && place.app->get_require_subcommand_min() > 0; ++i) {
        const std::string& word = words[i];
        if (word.starts_with('-')) {
            i += takesNextWord(*place.app, word) ? 1 : 0;
        } else if (CLI::App* next = subcommandOf(*place.app, word)) {
            place.app = next;
            place.command += ' ' + word;
        } else {
            place.unknown = word;
            return place;
        }
    }
    return place;
}

std::string unknownComplaint(const Place& place) {
    std::vector<std::string> known;
    for (const CLI::App* command : place.app->get_subcommands({})) {
        known.push_back(command->get_name());
    }
    const std::string nearest = nearestWord(place.unknown, known);
    return '`' + place.command + "` has no command `" + printable(place.unknown, kLongestWord) +
           '`' + (nearest.empty() ? "" : ". Did you mean `" + nearest + "`?");
}

/// Whether the option takes the word. Changes what it is bound to.
bool takes(CLI::Option& option, const std::string& word) {
    option.clear();
    option.add_result(word);
    try {
        option.run_callback();
    } catch (const CLI::ConversionError&) {
        return false;
    } catch (const CLI::ParseError&) {
        return true; // the type fits, the value does not
    }
    return true;
}

bool isWhole(const std::string& word) {
    const size_t sign = word.starts_with('-') ? 1 : 0;
    return word.size() > sign && word.find_first_not_of("0123456789", sign) == std::string::npos;
}

/// What suits an option that takes whole numbers of 32 or 64 bits.
std::string rangeOf(CLI::Option& option, bool isNegative) {
    const auto ends = [isNegative](auto number) {
        using Limits = std::numeric_limits<decltype(number)>;
        return isNegative ? "at least " + std::to_string(Limits::min())
                          : "at most " + std::to_string(Limits::max());
    };
    const bool isLong = takes(option, std::to_string(int64_t{1} << 40));
    return isLong ? ends(int64_t{}) : ends(int32_t{});
}

/// The parser's own sentence names no range. Empty: it is about something else.
std::string conversionComplaint(const Place& place, const std::string& message) {
    constexpr std::string_view kBegin = "Could not convert: ";
    const size_t end = message.find(" = ");
    if (!message.starts_with(kBegin) || end == std::string::npos) {
        return {};
    }
    const std::string name = message.substr(kBegin.size(), end - kBegin.size());
    CLI::Option* option = place.app->get_option_no_throw(name);
    if (option == nullptr) {
        return {};
    }
    for (const std::string& word : std::vector<std::string>(option->results())) {
        if (!takes(*option, word)) {
            const std::string given = name + ": " + printable(word, kLongestWord) + " was given; ";
            const bool isForWhole = option->get_type_name().find("INT") != std::string::npos;
            return given + (isForWhole ? "a whole number" : "a number") +
                   (isForWhole && isWhole(word) ? " of " + rangeOf(*option, word.starts_with('-'))
                                                : "") +
                   " was needed";
        }
    }
    return {};
}

} // namespace

std::string usageComplaint(CLI::App& app, const CLI::ParseError& error,
                           const std::vector<std::string>& words) {
    const Place place = placeOf(app, words);
    std::string what =
        place.unknown.empty() ? conversionComplaint(place, error.what()) : unknownComplaint(place);
    if (what.empty()) {
        what = printable(error.what(), kLongestMessage);
    }
    return what + (what.ends_with('?') ? "" : ".") + " See `" + place.command + " --help`.";
}

} // namespace caldera::cli
