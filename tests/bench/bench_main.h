// What benches that take words do around their work.
#pragma once

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "core/base/error.h"

namespace caldera {

/// run(words) and 0; 2 with the sentence of an Error, or with the usage for anything else that
/// words bring about, such as one that is missing.
template <class Run>
int runBench(int count, char** words, const char* usage, const Run& run) {
    try {
        run(std::vector<std::string>(words + 1, words + count));
        return 0;
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
    } catch (const std::exception&) {
        std::fprintf(stderr, "%s\n", usage);
    }
    return 2;
}

} // namespace caldera
