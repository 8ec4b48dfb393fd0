// Training of a trellis table on N(0, 1) or on recorded inputs: generalised Lloyd iterations whose
// assignment is the encoder itself, with noise on the entries that dies away.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/trellis/trellis.h"

namespace caldera::kernels::training {

/// Values of N(0, 1), the same for a seed wherever the program is built.
class NormalSource {
public:
    explicit NormalSource(uint64_t seed) : state_(seed) {}
    void fill(std::vector<float>& values);
    uint64_t next(); ///< 64 random bits

private:
    uint64_t state_;
};

/// Groups [16, V] of values that a solver met, one behind another; none: N(0, 1) stands for them.
/// The last quarter is kept for measuring.
struct RecordedGroups {
    std::vector<float> values;
    size_t groupValues = 0; ///< 16 V
};

struct TrainingSettings {
    int iterations = 150;
    int64_t groups = 1 << 16; ///< sampled anew in each iteration
    double noise = 0.35;      ///< RMS of what is added to the entries at first
    double memory = 0.5;      ///< share of the former sums that the next iteration keeps
    uint64_t seed = 1;
    RecordedGroups inputs;
};

/// Mean squared error a value of a code with a table, on `groups` fresh groups.
double measure(const TrellisCode& code, const RecordedGroups& inputs, int64_t groups,
               uint64_t seed);
/// The same when every boundary state is tried: what the encoder's guess of it costs.
double measureExhaustively(const TrellisCode& code, const RecordedGroups& inputs, int64_t groups,
                           uint64_t seed);

/// A table while it is trained.
class TableTraining {
public:
    /// `shape` gives columns, bits and step; its table is not read.
    TableTraining(const TrellisCode& shape, const TrainingSettings& settings);

    /// Runs every iteration. Returns the mean squared error of the last one.
    double run();
    const std::vector<int8_t>& table() const { return table_; }
    TrellisCode code() const;

private:
    double iterate(NormalSource& source, double noise);
    void round();

    TrellisCode shape_;
    TrainingSettings settings_;
    std::vector<double> entries_; ///< [2^(k + m - 1), V]
    std::vector<double> sums_;    ///< of the inputs that each entry stood for, signs undone
    std::vector<double> counts_;  ///< [2^(k + m - 1)]
    std::vector<int8_t> table_;
};

} // namespace caldera::kernels::training
