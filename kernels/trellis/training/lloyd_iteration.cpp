#include "kernels/trellis/training/lloyd_iteration.h"

#include <algorithm>
#include <cmath>

#include "kernels/trellis/encode_tables.h"
#include "kernels/trellis/windows.h"

namespace caldera::kernels::training {
namespace {

constexpr double kFirstRms = 1.1; ///< of the random entries at the beginning
/// Inputs that an entry's present value counts for, so that rare entries do not jump.
constexpr double kPrior = 2;

enum class Share { Training, Measuring };

/// [groups, 16, V] at random.
std::vector<float> draw(const RecordedGroups& recorded, size_t count, Share share,
                        NormalSource& source) {
    std::vector<float> x(count);
    if (recorded.values.empty()) {
        source.fill(x);
        return x;
    }
    const size_t all = recorded.values.size() / recorded.groupValues;
    const size_t measured = all / 4;
    const size_t first = share == Share::Training ? 0 : all - measured;
    const size_t groups = share == Share::Training ? all - measured : measured;
    for (size_t at = 0; at < count; at += recorded.groupValues) {
        const size_t group = first + source.next() % groups;
        std::copy_n(recorded.values.begin() +
                        static_cast<std::ptrdiff_t>(group * recorded.groupValues),
                    recorded.groupValues, x.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return x;
}

size_t valueCount(const TrellisCode& code, int64_t groups) {
    return static_cast<size_t>(groups * kTrellisRows * code.columns);
}

/// Inputs and what the encoder made of them.
struct Sample {
    std::vector<float> x;
    std::vector<uint8_t> codes;

    Sample(const TrellisCode& code, std::vector<float> inputs)
        : x(std::move(inputs)),
          codes(x.size() / valueCount(code, 1) * static_cast<size_t>(code.groupBytes())) {
        trellisEncode(TrellisEncodeTables(code), x.data(),
                      static_cast<int64_t>(x.size() / valueCount(code, 1)), codes.data());
    }

    template <class Visit>
    void forEachWindow(const TrellisCode& code, Visit visit) const {
        const float* input = x.data();
        for (size_t at = 0; at < codes.size(); at += static_cast<size_t>(code.groupBytes())) {
            for (const uint32_t window : unpackTrellis(code, codes.data() + at)) {
                visit(window, input);
                input += code.columns;
            }
        }
    }
};

} // namespace

uint64_t NormalSource::next() { // splitmix64
    uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
}

void NormalSource::fill(std::vector<float>& values) {  // Marsaglia's polar method
    constexpr double kUnit = 1.0 / 9007199254740992.0; // 2^-53
    for (size_t i = 0; i + 1 < values.size();) {
        const double u = 2 * static_cast<double>(next() >> 11U) * kUnit - 1;
        const double v = 2 * static_cast<double>(next() >> 11U) * kUnit - 1;
        const double square = u * u + v * v;
        if (square > 0 && square < 1) {
            const double factor = std::sqrt(-2 * std::log(square) / square);
            values[i++] = static_cast<float>(u * factor);
            values[i++] = static_cast<float>(v * factor);
        }
    }
}

TableTraining::TableTraining(const TrellisCode& shape, const TrainingSettings& settings)
    : shape_(shape), settings_(settings) {
    const size_t count = size_t{1} << (shape.windowBits() - 1);
    const size_t values = count * static_cast<size_t>(shape.columns);
    std::vector<float> random(values);
    NormalSource(settings.seed).fill(random);
    for (const float value : random) {
        entries_.push_back(kFirstRms * value);
    }
    sums_.resize(values);
    counts_.resize(count);
    table_.resize(values);
    round();
}

TrellisCode TableTraining::code() const {
    TrellisCode code = shape_;
    code.table = table_;
    return code;
}

void TableTraining::round() {
    for (size_t i = 0; i < entries_.size(); ++i) {
        const double entry = std::floor(entries_[i] / shape_.step);
        table_[i] = static_cast<int8_t>(std::clamp(entry, -128.0, 127.0));
    }
}

double TableTraining::iterate(NormalSource& source, double noise) {
    const TrellisCode now = code();
    const Sample sample(
        now, draw(settings_.inputs, valueCount(now, settings_.groups), Share::Training, source));
    for (double& sum : sums_) {
        sum *= settings_.memory;
    }
    for (double& count : counts_) {
        count *= settings_.memory;
    }
    const uint32_t top = 1U << (now.windowBits() - 1);
    const auto width = static_cast<size_t>(now.columns);
    double squares = 0;
    sample.forEachWindow(now, [&](uint32_t window, const float* x) {
        std::array<float, 4> values;
        trellisValues(now, window, values.data());
        const size_t entry = window & (top - 1);
        counts_[entry] += 1;
        for (size_t j = 0; j < width; ++j) {
            sums_[entry * width + j] += (window & top) != 0 ? -x[j] : x[j];
            squares += (x[j] - values[j]) * (x[j] - values[j]);
        }
    });
    std::vector<float> random(entries_.size());
    source.fill(random);
    for (size_t i = 0; i < entries_.size(); ++i) {
        entries_[i] =
            (sums_[i] + kPrior * entries_[i]) / (counts_[i / width] + kPrior) + noise * random[i];
    }
    round();
    return squares / static_cast<double>(sample.x.size());
}

double TableTraining::run() {
    NormalSource source(settings_.seed + 1);
    double error = 0;
    for (int i = 0; i < settings_.iterations; ++i) {
        // Noise ends at half time; what follows settles into the nearest minimum.
        const double left = 1 - 2.0 * i / settings_.iterations;
        error = iterate(source, left > 0 ? settings_.noise * left * left : 0);
    }
    return error;
}

double measure(const TrellisCode& code, const RecordedGroups& inputs, int64_t groups,
               uint64_t seed) {
    NormalSource source(seed);
    const Sample sample(code, draw(inputs, valueCount(code, groups), Share::Measuring, source));
    double squares = 0;
    sample.forEachWindow(code, [&](uint32_t window, const float* x) {
        std::array<float, 4> values;
        trellisValues(code, window, values.data());
        for (int j = 0; j < code.columns; ++j) {
            squares += (x[j] - values[j]) * (x[j] - values[j]);
        }
    });
    return squares / static_cast<double>(sample.x.size());
}

double measureExhaustively(const TrellisCode& code, const RecordedGroups& inputs, int64_t groups,
                           uint64_t seed) {
    NormalSource source(seed);
    const std::vector<float> x = draw(inputs, valueCount(code, groups), Share::Measuring, source);
    std::vector<uint8_t> codes(static_cast<size_t>(groups * code.groupBytes()));
    std::vector<float> decoded(x.size());
    reference::trellisEncodeExhaustively(code, x.data(), groups, codes.data(), decoded.data());
    double squares = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        squares += (x[i] - decoded[i]) * (x[i] - decoded[i]);
    }
    return squares / static_cast<double>(x.size());
}

} // namespace caldera::kernels::training
