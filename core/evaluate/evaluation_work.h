// Where an evaluation keeps what it has worked out until it is over.
#pragma once

#include <filesystem>
#include <string>

namespace caldera {

struct EvaluationWork {
    std::filesystem::path scores; ///< folder for what is finished; empty: nothing is kept
    std::filesystem::path states; ///< folder for states between two blocks
    /// Of the models, the device and how it computes; also of what a run that keeps a reference
    /// leaves beside the kept predictions when it has no folder.
    std::string key;
    double longestGap = 60; ///< seconds between two copies, at most
};

} // namespace caldera
