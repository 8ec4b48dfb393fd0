#include "app/cli/job_revise.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <thread>
#include <utility>
#include <vector>

#include "app/cli/plan_file.h"
#include "core/base/error.h"
#include "core/base/hash.h"
#include "core/compress/cell_key.h"
#include "core/compress/shard.h"
#include "core/job/revision.h"
#include "core/model/model.h"
#include "core/plan/foreign_plan.h"

namespace caldera::cli {

namespace {

namespace fs = std::filesystem;

constexpr auto kLookEvery = std::chrono::milliseconds(100);

std::string valueOf(const std::vector<std::string>& arguments, const std::string& option) {
    const auto found = std::find(arguments.begin(), arguments.end(), option);
    return found == arguments.end() || found + 1 == arguments.end() ? "" : *(found + 1);
}

/// The plan that the job follows so far.
Plan planOfJob(const JobFolder& folder, const JobSpec& spec, const Model& model) {
    if (const auto revised = revisedPlan(folder)) {
        return parsePlan(*revised, revisedPlanFile(folder).string());
    }
    const std::string file = valueOf(spec.arguments, "--plan");
    return file.empty() ? defaultPlan(spec.arguments.at(1), model.config)
                        : fitForeignPlan(loadPlan(file), model.config);
}

/// What of a plan decides about a cell, as far as plans do.
std::string keyOf(const Plan& plan, Cell cell) {
    const CalibrationSettings& text = plan.calibration;
    return cellKey(plan, cell,
                   text.text + ' ' + std::to_string(text.tokens) + ' ' +
                       std::to_string(text.sequenceLength) + ' ' + std::to_string(text.seed));
}

} // namespace

Revision reviseJob(const JobFolder& folder, const fs::path& plan) {
    const JobSpec spec = folder.spec();
    Plan revised = readPlanFile(plan);
    const auto model = spec.kind == "compress" ? openModel(spec.arguments.at(1)) : nullptr;
    if (model) {
        revised = planFor(model->config, std::move(revised), plan);
    }
    const std::string text = printPlan(revised);
    Revision revision{folder, sha256Hex(text), 0, 0, EventReader(folder.events())};
    if (model) {
        checkPlan(revised, model->config);
        const Plan before = planOfJob(folder, spec, *model);
        for (const Cell cell : cellsToCompress(revised, {0, model->config.layerCount})) {
            ++revision.cells;
            revision.changed +=
                before.settingsOf(cell).skip || keyOf(before, cell) != keyOf(revised, cell) ? 1 : 0;
        }
    }
    revision.events.poll();
    revisePlan(folder, text);
    return revision;
}

void awaitRevision(const Revision& given, const std::stop_token& stop) {
    EventReader events = given.events;
    while (true) {
        const bool isAtWork = given.folder.workerAlive();
        for (const Event& event : events.poll()) {
            if (event.kind == "revision" && event.body.value("plan", "") == given.planHash) {
                return;
            }
        }
        if (!isAtWork || given.folder.pauseRequested()) {
            break;
        }
        checkCancelled(stop);
        std::this_thread::sleep_for(kLookEvery);
    }
    if (given.folder.state().phase == "done") {
        throw Error("job.revise-late",
                    "The job in " + given.folder.path().string() +
                        " was done before it heard of the plan; its result follows the plan "
                        "before. Start a new job with this one.",
                    {{"folder", given.folder.path().string()}});
    }
}

void printRevision(const Revision& revision, const Invocation& invocation) {
    if (invocation.json) {
        std::cout << jsonText({{"folder", revision.folder.path().string()},
                               {"plan", revision.planHash},
                               {"cells", revision.cells},
                               {"changed_cells", revision.changed}})
                  << '\n';
        return;
    }
    std::printf("%d of %d cells change; the others stay as they are where they are finished.\n",
                revision.changed, revision.cells);
}

} // namespace caldera::cli
