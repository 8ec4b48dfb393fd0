// Complaints that say where.
#pragma once

#include <string>

#include "core/base/error.h"

namespace caldera {

/// What `make` gives. A complaint that does not begin with the place gets it in front, and as the
/// argument "where".
template <class Make>
auto sayingWhere(const std::string& place, Make make) {
    try {
        return make();
    } catch (const Error& e) {
        const std::string sentence = e.what();
        if (sentence.starts_with(place)) {
            throw;
        }
        ErrorArgs args = e.args();
        args.emplace_back("where", place);
        throw Error(e.code(), place + ": " + sentence, args);
    }
}

} // namespace caldera
