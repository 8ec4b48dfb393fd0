#include "core/evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "core/base/median.h"
#include "core/report/standard_error.h"

namespace caldera {

namespace {

struct Block {
    double sum = 0;
    double count = 0;
};

std::vector<Block> blocksOf(std::span<const double> values, size_t length) {
    std::vector<Block> blocks;
    for (size_t first = 0; first < values.size(); first += length) {
        const auto part = values.subspan(first, std::min(length, values.size() - first));
        blocks.push_back(
            {std::accumulate(part.begin(), part.end(), 0.0), static_cast<double>(part.size())});
    }
    return blocks;
}

} // namespace

MeanInterval bootstrapMean(std::span<const double> values, uint64_t seed, size_t blockLength) {
    constexpr int kResamples = 1000;
    const std::vector<Block> blocks = blocksOf(values, blockLength);
    std::mt19937_64 random(seed);
    std::vector<double> means(kResamples);
    for (double& mean : means) {
        Block drawn;
        for (size_t i = 0; i < blocks.size(); ++i) {
            const Block& block = blocks[random() % blocks.size()];
            drawn.sum += block.sum;
            drawn.count += block.count;
        }
        mean = drawn.sum / drawn.count;
    }
    std::sort(means.begin(), means.end());
    return {std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()),
            percentile(means, 0.025), percentile(means, 0.975), blocks.size()};
}

MeanInterval shareOf(std::span<const double> values) {
    const auto count = static_cast<double>(values.size());
    const double share = std::accumulate(values.begin(), values.end(), 0.0) / count;
    const double z2 = kStandardErrors95 * kStandardErrors95;
    const double center = (share + z2 / (2 * count)) / (1 + z2 / count);
    const double half = kStandardErrors95 / (1 + z2 / count) *
                        std::sqrt(share * (1 - share) / count + z2 / (4 * count * count));
    return {share, std::max(0.0, center - half), std::min(1.0, center + half), values.size()};
}

} // namespace caldera
