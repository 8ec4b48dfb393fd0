// A failure as a value that crosses threads: what happened, in the user's language.
#pragma once

#include <QString>

#include <exception>
#include <span>

#include "core/base/error.h"

namespace caldera::studio {

struct Failure {
    QString sentence;
    QString code; ///< stable, for details and searches
};

/// Translates by the error's code (context "errors", arguments as %name%); without a translation
/// the error's own sentence. Any other exception gives its text.
Failure describeFailure(const std::exception& error);

/// Several that are told at once: each sentence on a line of its own, each code once.
Failure together(std::span<const Failure> failures);

} // namespace caldera::studio
