// caldera bench codec: what rounding normal values costs, and how long it takes.
#include "app/cli/benches.h"

#include <chrono>
#include <iomanip>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "app/cli/normal_sample.h"
#include "core/base/elapsed.h"
#include "core/codec/codec.h"
#include "core/model/codec_facts.h"
#include "kernels/lloyd/lloyd.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

struct Options {
    int64_t samples = 8'000'000;
    uint64_t seed = 1;
};

/// sum of (x - gain * decoded)^2 / count.
double meanSquaredError(const std::vector<float>& x, const std::vector<float>& decoded,
                        double gain) {
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        const double error = x[i] - gain * decoded[i];
        sum += error * error;
    }
    return sum / static_cast<double>(x.size());
}

struct CodecRow {
    std::string codec;
    double bits = 0;
    double mse = 0;
    double nanoseconds = 0; ///< to encode one weight on one core
};

CodecRow measureCodec(const std::string& id, const std::vector<float>& sample) {
    const auto codec = makeCodec(id);
    const int width = codec->blockColumns();
    const MatrixShape shape = {static_cast<int64_t>(sample.size()) / width, width};
    std::vector<float> scaled(sample);
    for (float& value : scaled) {
        value *= static_cast<float>(codec->inputRms());
    }
    std::vector<std::byte> codes(static_cast<size_t>(codec->codeBytes(shape)));
    std::vector<float> decoded(sample.size());
    const auto start = Clock::now();
    codec->encodeBlock(scaled, shape, {}, codes, decoded);
    const double seconds = secondsSince(start);
    return {id, codec->bitsPerWeight(), meanSquaredError(sample, decoded, 1 / codec->inputRms()),
            seconds * 1e9 / static_cast<double>(sample.size())};
}

CodecRow measureLevels(int bits, const std::vector<float>& sample) {
    const std::span<const float> levels = kernels::lloydLevels(bits);
    std::vector<uint8_t> indices(sample.size());
    const auto start = Clock::now();
    kernels::lloydQuantize(levels, sample.data(), static_cast<int64_t>(sample.size()),
                           indices.data());
    const double seconds = secondsSince(start);
    std::vector<float> decoded(sample.size());
    for (size_t i = 0; i < sample.size(); ++i) {
        decoded[i] = levels[indices[i]];
    }
    return {"lloyd-" + std::to_string(bits), static_cast<double>(bits),
            meanSquaredError(sample, decoded, 1),
            seconds * 1e9 / static_cast<double>(sample.size())};
}

void run(const Options& options, const Invocation& invocation) {
    const int64_t count = padTo(options.samples, 1024); // whole groups of 16 rows of 64
    const std::vector<float> sample = normalSample(count, options.seed);
    std::vector<CodecRow> rows;
    for (const CodecFacts& facts : codecFacts()) {
        rows.push_back(measureCodec(facts.id, sample));
    }
    for (const int bits : {2, 3, 4}) {
        rows.push_back(measureLevels(bits, sample));
    }
    if (invocation.json) {
        Json table = Json::array();
        for (const CodecRow& row : rows) {
            table.push_back({{"codec", row.codec},
                             {"bits", row.bits},
                             {"mse", row.mse},
                             {"encode_nanoseconds", row.nanoseconds}});
        }
        std::cout << Json{{"samples", count}, {"seed", options.seed}, {"rows", table}}.dump(2)
                  << '\n';
        return;
    }
    std::cout << "codec            bits  mean squared error  ns to encode a weight\n" << std::fixed;
    for (const CodecRow& row : rows) {
        std::cout << std::left << std::setw(17) << row.codec << std::setprecision(2) << std::setw(6)
                  << row.bits << std::setprecision(6) << std::setw(20) << row.mse
                  << std::setprecision(2) << row.nanoseconds << '\n';
    }
    std::cout << count << " values of N(0,1), seed " << options.seed << ", one core.\n";
}

} // namespace

void addCodecBench(CLI::App& bench, const std::function<void(BenchRun)>& choose) {
    const auto options = std::make_shared<Options>();
    CLI::App* app = bench.add_subcommand("codec", "Mean squared error of every codec on N(0,1)");
    app->fallthrough();
    app->callback([options, choose] {
        choose([options](const Invocation& invocation) { run(*options, invocation); });
    });
    app->add_option("--seed", options->seed, "Seed of the random values")
        ->check(seedNumber())
        ->capture_default_str();
    app->add_option("--samples", options->samples, "How many values")
        ->check(between(128, 1 << 30))
        ->capture_default_str();
}

} // namespace caldera::cli
