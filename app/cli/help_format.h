// How --help prints options.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace caldera::cli {

/// "--threads NUMBER   Threads; 0: all cores (from 0 to 1024, default 0)": what a value is stands
/// beside the name, what it may be and is without the option behind the description. A place of the
/// command line without a name is called as in the usage line, which also says whether it may be
/// left out: "FOLDER   Folder of the job".
class HelpFormat : public CLI::Formatter {
public:
    std::string make_option_name(const CLI::Option* option, bool isPositional) const override;
    std::string make_option_opts(const CLI::Option* option) const override;
    std::string make_option_desc(const CLI::Option* option) const override;
};

} // namespace caldera::cli
