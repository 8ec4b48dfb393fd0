// caldera bench codec | gemv | compress | decode | chats
#include <algorithm>
#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <random>
#include <stop_token>

#include "app/cli/bench_chats.h"
#include "app/cli/bench_compress.h"
#include "app/cli/bench_decode.h"
#include "app/cli/bench_shapes.h"
#include "app/cli/command.h"
#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/machine.h"
#include "core/base/text.h"
#include "core/codec/codec.h"
#include "core/job/progress.h"
#include "core/linalg/device.h"
#include "core/model/codec_facts.h"
#include "kernels/common/kernel_error.h"
#include "kernels/lloyd/lloyd.h"
#include "kernels/step/product_timing.h"
#include "kernels/step/step.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

struct BenchOptions {
    int64_t samples = 8'000'000;
    uint64_t seed = 1;
    std::vector<int64_t> rows = {4096};
    int64_t columns = 4096;
    double seconds = 1;
    std::string codec = "trellis-v4k8m4";
    std::string device = "cpu";
    int rank = 0;
    int batch = 1;
    int activationBits = 8;
    int64_t aheadMegabytes = 6; ///< as a step's
};

std::vector<float> normalSample(int64_t count, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> sample(static_cast<size_t>(count));
    for (float& value : sample) {
        value = normal(random);
    }
    return sample;
}

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

void runCodec(const BenchOptions& options, const Invocation& invocation) {
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

/// Seconds of one product, the best of many within the time given.
double timeGemv(const Codec& codec, const CodedMatrix& q, const std::vector<float>& x,
                std::vector<float>& y, const std::function<bool()>& goOn) {
    const kernels::InputBatch batch = {x.data(), 0, y.data(), 0, 1};
    const kernels::GroupRange all = {0, q.shape.rows / kRowGroup};
    double best = 1e9;
    do {
        const auto begin = Clock::now();
        codec.multiply(q, batch, all);
        best = std::min(best, secondsSince(begin));
    } while (goOn());
    return best;
}

kernels::cuda::ProductTiming timeOnGpu(const kernels::cuda::ProductShape& shape, int64_t aheadBytes,
                                       const std::stop_token& stop) {
    try {
        const kernels::cuda::ProductTiming timing = kernels::cuda::timeProduct(shape, aheadBytes);
        checkCancelled(stop);
        return timing;
    } catch (const kernels::KernelError& error) {
        throw Error("engine.gpu", std::string("The product could not be timed: ") + error.what());
    }
}

/// On a GPU: many distinct matrices one after another, as in a decode step.
void runGpuGemv(const BenchOptions& options, const Invocation& invocation) {
    const kernels::StepCode* code = gpuCode(options.codec);
    static_cast<void>(deviceOf(options.device)); // says what is missing
    kernels::cuda::ProductShape shape{code, options.rows,
                                      padTo(options.columns, std::max(4, code->columns))};
    shape.rank = options.rank;
    shape.sequences = options.batch;
    shape.activationBits = options.activationBits;
    const kernels::cuda::ProductTiming timing =
        timeOnGpu(shape, options.aheadMegabytes << 20, invocation.stop);
    const double rate = timing.bytes / timing.microseconds * 1e6;
    if (invocation.json) {
        std::cout << Json{{"codec", options.codec},
                          {"rows", shape.rows},
                          {"columns", shape.columns},
                          {"rank", shape.rank},
                          {"batch", shape.sequences},
                          {"activation_bits", shape.activationBits},
                          {"matrices", timing.matrices},
                          {"bytes", timing.bytes},
                          {"microseconds", timing.microseconds},
                          {"bytes_per_second", rate},
                          {"copy_bytes_per_second", timing.copyBytesPerSecond},
                          {"share_of_copy", rate / timing.copyBytesPerSecond},
                          {"dense_microseconds", timing.denseMicroseconds}}
                         .dump(2)
                  << '\n';
        return;
    }
    std::cout << std::fixed << std::setprecision(1) << options.codec << ' ';
    for (size_t i = 0; i < shape.rows.size(); ++i) {
        std::cout << (i > 0 ? " + " : "") << shape.rows[i];
    }
    std::cout << " x " << shape.columns << ", rank " << shape.rank << ", " << shape.sequences
              << " vectors of " << shape.activationBits << " bits: " << timing.microseconds
              << " us from 16-bit x to y, " << rate / 1e9 << " GB/s, "
              << 100 * rate / timing.copyBytesPerSecond << " % of a device copy; fp16 cuBLAS "
              << timing.denseMicroseconds << " us. " << timing.matrices << " matrices.\n";
}

void requireMemory(int64_t bytes) {
    const int64_t free = readMachine().freeMemoryBytes;
    if (bytes > free) {
        throw Error("bench.memory",
                    "A matrix of " + memoryText(static_cast<uint64_t>(bytes)) +
                        " was asked for; the machine has " +
                        memoryText(static_cast<uint64_t>(std::max<int64_t>(free, 0))) +
                        " of memory left. Give fewer --rows or --columns.");
    }
}

void runGemv(const BenchOptions& options, const Invocation& invocation) {
    if (options.device == "cuda") {
        runGpuGemv(options, invocation);
        return;
    }
    if (options.rows.size() > 1 || options.rank > 0 || options.batch > 1 ||
        options.activationBits != BenchOptions{}.activationBits) {
        throw UsageError("bench.processor",
                         "Several --rows, --rank, --batch and --activation-bits are for --device "
                         "cuda; on a processor one matrix is timed with one vector.");
    }
    const auto codec = makeCodec(options.codec);
    const MatrixShape shape = {padTo(options.rows.front(), kRowGroup),
                               padTo(options.columns, codec->blockColumns())};
    requireMemory(codec->codeBytes(shape));
    std::mt19937_64 random(options.seed);
    std::vector<std::byte> codes(static_cast<size_t>(codec->codeBytes(shape)));
    for (std::byte& code : codes) {
        code = static_cast<std::byte>(random() & 0xFFU);
    }
    const std::vector<float> scale(static_cast<size_t>(shape.rows / kRowGroup), 0.01F);
    const std::vector<float> x = normalSample(shape.columns, options.seed);
    std::vector<float> y(static_cast<size_t>(shape.rows));
    const auto start = Clock::now();
    const double seconds = timeGemv(*codec, {codes, shape, scale}, x, y, [&] {
        checkCancelled(invocation.stop);
        return secondsSince(start) < options.seconds;
    });
    const double bytes = static_cast<double>(codes.size() + scale.size() * 2);
    const auto weights = static_cast<double>(shape.size());
    if (invocation.json) {
        std::cout << Json{{"codec", codec->id()},
                          {"rows", shape.rows},
                          {"columns", shape.columns},
                          {"seconds", seconds},
                          {"weights_per_second", weights / seconds},
                          {"bytes_per_second", bytes / seconds}}
                         .dump(2)
                  << '\n';
        return;
    }
    std::cout << std::fixed << std::setprecision(1) << codec->id() << ' ' << shape.rows << " x "
              << shape.columns << ": " << seconds * 1e6 << " us, " << weights / seconds / 1e9
              << " billion weights a second, " << bytes / seconds / 1e9 << " GB/s, one core.\n";
}

} // namespace

void addBenchCommand(CommandLine& commands) {
    const auto options = std::make_shared<BenchOptions>();
    const auto action =
        std::make_shared<std::function<void(const BenchOptions&, const Invocation&)>>();
    CLI::App& bench = commands.add(
        "bench", "Measure codecs and kernels on this machine",
        [options, action](Invocation& invocation) { (*action)(*options, invocation); });
    bench.require_subcommand(1);
    const auto addAction = [&](const char* name, const char* description, auto run) {
        CLI::App* app = bench.add_subcommand(name, description);
        app->fallthrough();
        app->callback([action, run] { *action = run; });
        app->add_option("--seed", options->seed, "Seed of the random values")
            ->check(seedNumber())
            ->capture_default_str();
        return app;
    };
    CLI::App* codec = addAction("codec", "Mean squared error of every codec on N(0,1)", runCodec);
    codec->add_option("--samples", options->samples, "How many values")
        ->check(between(128, 1 << 30))
        ->capture_default_str();
    CLI::App* gemv = addAction("gemv", "Time a product with packed weights", runGemv);
    gemv->add_option("--codec", options->codec, "Id of the codec, for example trellis-v4k8m4")
        ->capture_default_str();
    gemv->add_option("--device", options->device, "cpu (one core) or cuda")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
    gemv->add_option("--rows", options->rows,
                     "Rows of the weights; on a GPU several with commas, of matrices that share an "
                     "input")
        ->delimiter(',')
        ->expected(1, kernels::kStepMembers)
        ->check(between(1, 1 << 18))
        ->capture_default_str();
    gemv->add_option("--rank", options->rank, "Rank of L and R beside them, on a GPU")
        ->check(rankComplaint)
        ->capture_default_str();
    gemv->add_option("--batch", options->batch, "Vectors multiplied together, on a GPU")
        ->check(between(1, kernels::kStepSequences))
        ->capture_default_str();
    gemv->add_option("--activation-bits", options->activationBits,
                     "Bits of the rounded inputs, on a GPU")
        ->check(CLI::IsMember({8, 16}))
        ->capture_default_str();
    gemv->add_option("--ahead", options->aheadMegabytes,
                     "Megabytes of codes fetched into the cache between products, on a GPU")
        ->check(between(0, 64))
        ->capture_default_str();
    gemv->add_option("--columns", options->columns, "Columns of the weights")
        ->check(between(1, 1 << 18))
        ->capture_default_str();
    gemv->add_option("--seconds", options->seconds, "How long to measure, in seconds")
        ->check(between(0.01, 600))
        ->capture_default_str();
    const auto choose = [action](const BenchRun& run) {
        *action = [run](const BenchOptions&, const Invocation& invocation) { run(invocation); };
    };
    addCompressBench(bench, choose);
    addDecodeBench(bench, choose);
    addChatsBench(bench, choose);
}

} // namespace caldera::cli
