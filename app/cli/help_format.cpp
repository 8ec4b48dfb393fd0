#include "app/cli/help_format.h"

#include <utility>

namespace caldera::cli {

namespace {

/// "INT" and "from 0 to 1024" of CLI11's "INT:(from 0 to 1024)"; names of types may hold a colon.
std::pair<std::string, std::string> typeAndRange(const CLI::Option& option) {
    const std::string whole = option.get_type_name();
    const size_t colon = whole.find(":(");
    if (colon == std::string::npos) {
        return {whole, ""};
    }
    return {whole.substr(0, colon), whole.substr(colon + 2, whole.size() - colon - 3)};
}

std::string readable(const std::string& type) {
    return type == "INT" || type == "UINT" || type == "FLOAT" ? "NUMBER" : type;
}

} // namespace

std::string HelpFormat::make_option_name(const CLI::Option* option, bool isPositional) const {
    const std::string name = Formatter::make_option_name(option, isPositional);
    return isPositional ? name : name.substr(0, name.find('{')); // "--no-wait{false}"
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
    if (option->get_items_expected_max() == 0) {
        return ""; // a flag
    }
    const bool isList = option->get_expected_max() == CLI::detail::expected_max_vector_size;
    if (option->get_positional()) {
        return isList ? " ..." : "";
    }
    return ' ' + readable(typeAndRange(*option).first) + (isList ? " ..." : "") +
           (option->get_required() ? " REQUIRED" : "");
}

std::string HelpFormat::make_option_desc(const CLI::Option* option) const {
    std::string facts = typeAndRange(*option).second;
    const std::string standard = option->get_default_str();
    if (!standard.empty()) {
        facts += (facts.empty() ? "default " : ", default ") + standard;
    }
    return option->get_description() + (facts.empty() ? "" : " (" + facts + ')');
}

} // namespace caldera::cli
