#include "core/fidelity/bootstrap.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "core/evaluate/evaluate.h"

namespace caldera {

MeanInterval bootstrapMean(std::span<const double> values, uint64_t seed) {
    constexpr int kResamples = 1000;
    const auto count = static_cast<double>(values.size());
    std::mt19937_64 random(seed);
    std::vector<double> means(kResamples);
    for (double& mean : means) {
        double sum = 0;
        for (size_t i = 0; i < values.size(); ++i) {
            sum += values[random() % values.size()];
        }
        mean = sum / count;
    }
    std::sort(means.begin(), means.end());
    return {std::accumulate(values.begin(), values.end(), 0.0) / count, percentile(means, 0.025),
            percentile(means, 0.975)};
}

} // namespace caldera
