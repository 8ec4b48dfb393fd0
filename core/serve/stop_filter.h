// Ends an answer at a stop text, however it is cut into pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caldera {

/// Lets text through, holding back what may be the beginning of a stop text.
class StopFilter {
public:
    explicit StopFilter(std::vector<std::string> stops) : stops_(std::move(stops)) {}

    /// The text that is safe to show now. Nothing comes after a stop text was found.
    std::string push(std::string_view text);
    /// What was held back, once no more text comes.
    std::string finish();
    bool found() const { return found_; }

private:
    std::vector<std::string> stops_;
    std::string pending_;
    bool found_ = false;
};

} // namespace caldera
