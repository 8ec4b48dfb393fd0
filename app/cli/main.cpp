#include <exception>
#include <iostream>

#include "app/cli/command.h"
#include "app/cli/standard_streams.h"
#include "core/base/version.h"
#include "core/linalg/numerics.h"

namespace {

std::string versionText() {
    const caldera::BuildFacts facts = caldera::buildFacts();
    return "caldera " + std::string(caldera::programVersion()) + "\nLibTorch " + facts.torch +
           "\nCUDA kernels: " + (facts.cudaKernels ? "yes" : "no") +
           "\nCUDA device: " + (facts.cudaDevice ? "yes" : "no");
}

int runCommandLine(int argc, char** argv) {
    CLI::App app("Compress large language models by CALDERA, measure what was lost, and chat.",
                 "caldera");
    app.set_version_flag("--version", versionText, "Print version and build facts");
    app.require_subcommand(1);
    caldera::cli::CommandLine commands(app);
    caldera::cli::addInfoCommand(commands);
    caldera::cli::addPlanCommand(commands);
    caldera::cli::addFidelityCommand(commands);
    caldera::cli::addCalibrateCommand(commands);
    caldera::cli::addDecomposeCommand(commands);
    caldera::cli::addCompressCommand(commands);
    caldera::cli::addMergeCommand(commands);
    caldera::cli::addEvaluateCommand(commands);
    caldera::cli::addScoreCommand(commands);
    caldera::cli::addExportCommand(commands);
    caldera::cli::addBlameCommand(commands);
    caldera::cli::addChatCommand(commands);
    caldera::cli::addServeCommand(commands);
    caldera::cli::addJobCommand(commands);
    caldera::cli::addSkyTaskCommand(commands);
    caldera::cli::addWatchPodCommand(commands);
    caldera::cli::addBenchCommand(commands);
    return commands.run(argc, argv);
}

} // namespace

int main(int argc, char** argv) {
    caldera::cli::guardStandardStreams();
    caldera::pinBlasKernels(argv);
    caldera::cli::explainFileSignals();
    try {
        return runCommandLine(argc, argv);
    } catch (const std::exception& e) {
        std::cerr << "caldera: " << e.what() << '\n';
        return 1;
    }
}
