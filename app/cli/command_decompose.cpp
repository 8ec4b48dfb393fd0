#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "app/cli/command.h"
#include "app/cli/compute_options.h"
#include "core/base/error.h"
#include "core/base/saying_where.h"
#include "core/base/text.h"
#include "core/decompose/decompose.h"
#include "core/linalg/device.h"
#include "core/model/safetensors.h"

namespace caldera::cli {

namespace {

struct Options {
    std::filesystem::path weight;
    CellSettings settings;
    double factorBits = 4;
    ComputeOptions compute;
};

/// Tensor `name` as an f32 matrix.
torch::Tensor readMatrix(const SafetensorsFile& file, const std::string& name) {
    const TensorView& view = file.at(name);
    if (view.shape.size() != 2) {
        throw Error("decompose.shape", file.path().string() + ": tensor \"" + name + "\" has " +
                                           std::to_string(view.shape.size()) +
                                           " dimensions; a matrix was needed.");
    }
    torch::Tensor matrix = at::empty({view.shape[0], view.shape[1]}, at::kFloat);
    sayingWhere(file.path().string() + ": tensor \"" + name + "\"", [&] {
        convertToFloat(view.dtype, view.bytes,
                       {matrix.data_ptr<float>(), static_cast<size_t>(matrix.numel())});
    });
    return matrix;
}

nlohmann::json toJson(const CellReport& report) {
    nlohmann::json history = nlohmann::json::array();
    for (const HistoryEntry& entry : report.history) {
        history.push_back({{"iteration", entry.iteration},
                           {"step", entry.step},
                           {"relative_error", entry.relativeError}});
    }
    return {{"relative_error", report.relativeError},
            {"proxy_error", report.proxyError},
            {"history", std::move(history)},
            {"bpw", report.bitsPerWeight},
            {"bytes", report.bytes},
            {"damping", report.dampingUsed},
            {"rows", report.shape.rows},
            {"columns", report.shape.columns},
            {"seconds", report.seconds}};
}

void printText(const CellReport& report) {
    std::printf("%lld x %lld weights in %s, %.4f bits per weight\n",
                static_cast<long long>(report.shape.rows),
                static_cast<long long>(report.shape.columns),
                byteText(static_cast<uint64_t>(report.bytes)).c_str(), report.bitsPerWeight);
    for (const HistoryEntry& entry : report.history) {
        std::printf("  round %d  %-2s  relative error %.5f\n", entry.iteration + 1,
                    entry.step.c_str(), entry.relativeError);
    }
    std::printf("relative error %.5f (proxy error %.6f) after %s\n", report.relativeError,
                report.proxyError, durationText(report.seconds).c_str());
}

void run(Options options, Invocation& invocation) {
    options.compute.apply();
    options.settings.leftBits = options.factorBits;
    options.settings.rightBits = options.factorBits;
    if (options.factorBits == 16 && options.settings.factorCodec == CellSettings{}.factorCodec) {
        options.settings.factorCodec = "none";
    }
    const SafetensorsFile file(options.weight);
    const torch::Device device = deviceOf(options.compute.device);
    DecomposeRequest request;
    request.weight = readMatrix(file, "weight").to(device);
    request.settings = options.settings;
    request.seed = options.settings.seed;
    request.stop = invocation.stop;
    request.where = options.weight.string();
    torch::Tensor hessian = file.tensors().contains("hessian")
                                ? readMatrix(file, "hessian").to(device)
                                : torch::Tensor();
    invocation.progress.stage("decompose");
    const GroupBasis basis = sayingWhere(request.where, [&] {
        return makeGroupBasis(std::move(hessian), request.weight.size(1), options.settings,
                              request.seed);
    });
    const CellReport report = decompose(request, basis).report;
    if (invocation.json) {
        std::printf("%s\n", jsonText(toJson(report)).c_str());
    } else {
        printText(report);
    }
}

} // namespace

void addDecomposeCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app =
        commands.add("decompose", "Decompose one matrix into Q + L R and say what was lost",
                     [options](Invocation& invocation) { run(*options, invocation); });
    CellSettings& settings = options->settings;
    app.add_option("--weight", options->weight,
                   "Safetensors file with a matrix `weight` and perhaps its `hessian`")
        ->required()
        ->type_name("FILE");
    app.add_option("--bits", settings.bits, "Bits of Q")
        ->check(between(0, 16))
        ->capture_default_str();
    app.add_option("--rank", settings.rank, "Rank of L R: 0 or a multiple of 16")
        ->check(notNegative())
        ->capture_default_str();
    app.add_option("--factor-bits", options->factorBits,
                   "Bits of L and R: 4 or 16, or those of a trellis")
        ->capture_default_str();
    app.add_option("--factor-codec", settings.factorCodec, "lloyd, trellis or none")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--codec", settings.codec, "trellis, e8p, scalar, nf or none: codec of Q")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--transform", settings.transform, "\"hadamard-128\" or \"none\"")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--outer-iterations", settings.outerIterations, "Rounds of L R and Q at most")
        ->check(between(1, 100))
        ->capture_default_str();
    app.add_option("--inner-iterations", settings.innerIterations, "Turns of R and L at most")
        ->check(between(0, 1000))
        ->capture_default_str();
    app.add_option("--update-order", settings.updateOrder, "\"LR,Q\" or \"Q,LR\"")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--low-rank-start", settings.lowRankStart,
                   "First fit of L R: \"balanced\", \"hessian\", \"plain\" or \"outliers\"")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_option("--activation-aware", settings.activationAware,
                   "Steps that see the Hessian: \"Q,LR\", \"Q\", \"LR\" or \"none\"")
        ->type_name("NAME")
        ->capture_default_str();
    app.add_flag("--hessian-downdate", settings.hessianDowndate,
                 "First Q step in the metric that L cannot absorb");
    app.add_option("--damping", settings.damping, "Share of the mean diagonal added to the Hessian")
        ->check(between(1e-8, 10))
        ->capture_default_str();
    app.add_option("--seed", settings.seed, "Seed of signs and rotations")
        ->check(seedNumber())
        ->capture_default_str();
    options->compute.addTo(app);
}

} // namespace caldera::cli
