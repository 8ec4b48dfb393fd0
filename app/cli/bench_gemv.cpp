// caldera bench gemv: how fast packed weights are multiplied.
#include "app/cli/benches.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <memory>
#include <random>
#include <stop_token>
#include <string>
#include <vector>

#include "app/cli/bench_shapes.h"
#include "app/cli/normal_sample.h"
#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/machine.h"
#include "core/base/pause.h"
#include "core/base/text.h"
#include "core/codec/codec.h"
#include "core/linalg/device.h"
#include "kernels/common/kernel_error.h"
#include "kernels/step/product_timing.h"
#include "kernels/step/step.h"

namespace caldera::cli {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

struct Options {
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

Json toJson(const std::string& codec, const kernels::cuda::ProductShape& shape,
            const kernels::cuda::ProductTiming& timing) {
    const double rate = timing.bytes / timing.microseconds * 1e6;
    return {{"codec", codec},
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
            {"dense_microseconds", timing.denseMicroseconds}};
}

void print(const std::string& codec, const kernels::cuda::ProductShape& shape,
           const kernels::cuda::ProductTiming& timing) {
    const double rate = timing.bytes / timing.microseconds * 1e6;
    std::cout << std::fixed << std::setprecision(1) << codec << ' ';
    for (size_t i = 0; i < shape.rows.size(); ++i) {
        std::cout << (i > 0 ? " + " : "") << shape.rows[i];
    }
    std::cout << " x " << shape.columns << ", rank " << shape.rank << ", " << shape.sequences
              << " vectors of " << shape.activationBits << " bits: " << timing.microseconds
              << " us from 16-bit x to y, " << rate / 1e9 << " GB/s, "
              << 100 * rate / timing.copyBytesPerSecond << " % of a device copy; fp16 cuBLAS "
              << timing.denseMicroseconds << " us. " << timing.matrices << " matrices.\n";
}

/// Many distinct matrices one after another, as in a decode step.
void runOnGpu(const Options& options, const Invocation& invocation) {
    const kernels::StepCode* code = gpuCode(options.codec);
    static_cast<void>(deviceOf(options.device)); // says what is missing
    kernels::cuda::ProductShape shape{code, options.rows,
                                      padTo(options.columns, std::max(4, code->columns))};
    shape.rank = options.rank;
    shape.sequences = options.batch;
    shape.activationBits = options.activationBits;
    const kernels::cuda::ProductTiming timing =
        timeOnGpu(shape, options.aheadMegabytes << 20, invocation.stop);
    if (invocation.json) {
        std::cout << toJson(options.codec, shape, timing).dump(2) << '\n';
    } else {
        print(options.codec, shape, timing);
    }
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

/// One matrix with random codes and one vector.
struct ProcessorTiming {
    MatrixShape shape;
    double seconds = 0; ///< of a product
    double bytes = 0;   ///< of codes and scales
};

ProcessorTiming timeOnProcessor(const Codec& codec, const Options& options,
                                const std::stop_token& stop) {
    const MatrixShape shape = {padTo(options.rows.front(), kRowGroup),
                               padTo(options.columns, codec.blockColumns())};
    requireMemory(codec.codeBytes(shape));
    std::mt19937_64 random(options.seed);
    std::vector<std::byte> codes(static_cast<size_t>(codec.codeBytes(shape)));
    for (std::byte& code : codes) {
        code = static_cast<std::byte>(random() & 0xFFU);
    }
    const std::vector<float> scale(static_cast<size_t>(shape.rows / kRowGroup), 0.01F);
    const std::vector<float> x = normalSample(shape.columns, options.seed);
    std::vector<float> y(static_cast<size_t>(shape.rows));
    const auto start = Clock::now();
    const double seconds = timeGemv(codec, {codes, shape, scale}, x, y, [&] {
        checkCancelled(stop);
        return secondsSince(start) < options.seconds;
    });
    return {shape, seconds, static_cast<double>(codes.size() + scale.size() * 2)};
}

void runOnProcessor(const Options& options, const Invocation& invocation) {
    if (options.rows.size() > 1 || options.rank > 0 || options.batch > 1 ||
        options.activationBits != Options{}.activationBits) {
        throw UsageError("bench.processor",
                         "Several --rows, --rank, --batch and --activation-bits are for --device "
                         "cuda; on a processor one matrix is timed with one vector.");
    }
    const auto codec = makeCodec(options.codec);
    const auto [shape, seconds, bytes] = timeOnProcessor(*codec, options, invocation.stop);
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

void addShape(CLI::App& app, Options& options) {
    app.add_option("--codec", options.codec, "Id of the codec, for example trellis-v4k8m4")
        ->capture_default_str();
    app.add_option("--rows", options.rows,
                   "Rows of the weights; on a GPU several with commas, of matrices that share an "
                   "input")
        ->delimiter(',')
        ->expected(1, kernels::kStepMembers)
        ->check(between(1, 1 << 18))
        ->capture_default_str();
    app.add_option("--columns", options.columns, "Columns of the weights")
        ->check(between(1, 1 << 18))
        ->capture_default_str();
}

void addGpuOptions(CLI::App& app, Options& options) {
    app.add_option("--rank", options.rank, "Rank of L and R beside them, on a GPU")
        ->check(rankComplaint)
        ->capture_default_str();
    app.add_option("--batch", options.batch, "Vectors multiplied together, on a GPU")
        ->check(between(1, kernels::kStepSequences))
        ->capture_default_str();
    app.add_option("--activation-bits", options.activationBits,
                   "Bits of the rounded inputs, on a GPU")
        ->check(CLI::IsMember({8, 16}))
        ->capture_default_str();
    app.add_option("--ahead", options.aheadMegabytes,
                   "Megabytes of codes fetched into the cache between products, on a GPU")
        ->check(between(0, 64))
        ->capture_default_str();
}

} // namespace

void addGemvBench(CLI::App& bench, const std::function<void(BenchRun)>& choose) {
    const auto options = std::make_shared<Options>();
    CLI::App* app = bench.add_subcommand("gemv", "Time a product with packed weights");
    app->fallthrough();
    app->callback([options, choose] {
        choose([options](const Invocation& invocation) {
            (options->device == "cuda" ? runOnGpu : runOnProcessor)(*options, invocation);
        });
    });
    app->add_option("--seed", options->seed, "Seed of the random values")
        ->check(seedNumber())
        ->capture_default_str();
    app->add_option("--device", options->device, "cpu (one core) or cuda")
        ->check(CLI::IsMember({"cpu", "cuda"}))
        ->capture_default_str();
    app->add_option("--seconds", options->seconds, "How long to measure, in seconds")
        ->check(between(0.01, 600))
        ->capture_default_str();
    addShape(*app, *options);
    addGpuOptions(*app, *options);
}

} // namespace caldera::cli
