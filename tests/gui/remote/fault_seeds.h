// Which runs a test with random faults makes.
#pragma once

#include <cstdio>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include <QTest>

namespace caldera::studio {

/// A seed for each run: `usual`, always the same, so that a test that passed passes again. With
/// CALDERA_FAULT_RUNS so many others, drawn, or counted up from CALDERA_FAULT_SEED.
inline std::vector<unsigned> faultSeeds(std::initializer_list<unsigned> usual) {
    const int wanted = qEnvironmentVariableIntValue("CALDERA_FAULT_RUNS");
    const bool isNamed = qEnvironmentVariableIsSet("CALDERA_FAULT_SEED");
    if (wanted <= 0 && !isNamed)
        return usual;
    std::vector<unsigned> seeds;
    std::random_device entropy;
    unsigned next = qEnvironmentVariable("CALDERA_FAULT_SEED").toUInt();
    for (int run = 0; run < qMax(1, wanted); ++run)
        seeds.push_back(isNamed ? next++ : entropy());
    return seeds;
}

/// Breaks something one to three times, each after a while: `longestBefore` ms at most before the
/// first. `breakSomething()` says what it broke.
template <class Break>
std::string breakAtTimes(std::mt19937& random, int longestBefore, const Break& breakSomething) {
    constexpr int kLongestBetween = 2500; // ms
    std::string faults;
    QTest::qWait(static_cast<int>(random() % static_cast<unsigned>(longestBefore)));
    for (unsigned count = 1 + random() % 3; count > 0; --count) {
        faults += breakSomething() + "; ";
        QTest::qWait(static_cast<int>(random() % kLongestBetween));
    }
    return faults;
}

inline std::string faultTrace(unsigned seed, const std::string& faults) {
    return "CALDERA_FAULT_SEED=" + std::to_string(seed) + ": " + faults;
}

/// Says how a run ended and how it is repeated.
inline void tellRun(unsigned seed, const std::string& faults, bool failed) {
    std::printf("%s%s\n", faultTrace(seed, faults).c_str(), failed ? "FAILED" : "same");
    std::fflush(stdout);
}

} // namespace caldera::studio
