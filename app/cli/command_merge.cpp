#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/cli/command.h"
#include "app/cli/compress_output.h"
#include "core/compress/merge.h"
#include "core/compress/shard.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
    std::vector<fs::path> shards;
    std::string model;
    fs::path out;
};

void run(const Options& options, Invocation& invocation) {
    MergeRequest request;
    request.shards = options.shards;
    request.out = outFolder(options.out, invocation);
    request.command = invocation.commandLine;
    request.model =
        openModel(options.model.empty() ? readShard(options.shards.front()).model : options.model);
    printResult(mergeShards(request, invocation.progress, invocation.stop), request.out,
                invocation);
}

} // namespace

void addMergeCommand(CommandLine& commands) {
    const auto options = std::make_shared<Options>();
    CLI::App& app =
        commands.add("merge", "Join shards that `compress --layers` made into a compressed model",
                     [options](Invocation& invocation) { run(*options, invocation); });
    app.add_option("SHARD", options->shards,
                   "Folders of shards, in any order, which hold every layer once")
        ->required()
        ->type_name("SHARD");
    app.add_option("--out", options->out, "Folder of the compressed model (in a job: its out/)")
        ->type_name("FOLDER");
    app.add_option("--model", options->model,
                   "The original; default: where it was when the first shard was made")
        ->type_name("MODEL");
}

} // namespace caldera::cli
