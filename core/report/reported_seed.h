// Seeds have 64 bits, the numbers of a report 53.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace caldera {

inline constexpr const char* kSeed = "seed";
/// What the f64 of a larger seed leaves out; absent where that is nothing.
inline constexpr const char* kSeedRest = "seed_rest";

/// Puts a seed among the numbers of a metric, exactly.
inline void addSeed(std::map<std::string, double>& numbers, uint64_t seed) {
    constexpr uint64_t kExact = uint64_t{1} << 53;
    constexpr uint64_t kRest = (uint64_t{1} << 11) - 1; // what is above it has 53 bits
    const uint64_t rest = seed > kExact ? seed & kRest : 0;
    numbers[kSeed] = static_cast<double>(seed - rest);
    if (rest > 0) {
        numbers[kSeedRest] = static_cast<double>(rest);
    }
}

/// The seed that addSeed() put there, or the numbers of a file that has no rest. Throws
/// std::out_of_range where there is none.
inline uint64_t seedOf(const std::map<std::string, double>& numbers) {
    const auto rest = numbers.find(kSeedRest);
    return static_cast<uint64_t>(numbers.at(kSeed)) +
           (rest != numbers.end() ? static_cast<uint64_t>(rest->second) : 0);
}

} // namespace caldera
