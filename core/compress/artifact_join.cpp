#include "core/compress/artifact_join.h"

#include <ATen/ATen.h>

#include "core/artifact/artifact.h"
#include "core/base/file.h"
#include "core/compress/folders.h"
#include "core/compress/packing_check.h"
#include "core/compress/shard.h"
#include "core/report/report_subject.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

torch::Tensor originalWeight(const Model& model, Cell cell) {
    const MatrixShape shape = model.config.shapeOf(cell.module);
    torch::Tensor weight = at::empty({shape.rows, shape.columns}, at::kFloat);
    model.weights->readRows(cellName(cell) + ".weight", 0, shape.rows,
                            {weight.data_ptr<float>(), static_cast<size_t>(weight.numel())});
    return weight;
}

void empty(const fs::path& folder) {
    for (const auto& entry : fs::directory_iterator(folder)) {
        fs::remove_all(entry.path());
    }
}

/// Writes the whole artifact into the staging folder. Returns its hash.
std::string stage(const JoinRequest& request, Report& report, Progress& progress,
                  const std::stop_token& stop) {
    const fs::path staging = stagingFolder(request.out);
    ArtifactRequest artifact;
    artifact.model = request.model;
    artifact.plan = request.plan;
    artifact.folder = staging;
    const auto total =
        static_cast<int64_t>(cellsToCompress(request.plan, {0, report.layerCount}).size());
    artifact.load = [&](Cell cell) {
        checkCancelled(stop);
        CompressedCell finished = request.load(cell);
        report.cells[cell] = finished.report;
        progress.advance(static_cast<int64_t>(report.cells.size()), total);
        return finished;
    };
    artifact.verify = [&](const CompressedCell& cell) {
        checkPacking(cell, originalWeight(*request.model, cell.cell));
    };
    artifact.codecTables = codecTables(request.plan, request.model->config);
    std::string hash = writeArtifact(artifact);
    report.run[kArtifactFact] = hash; // the report itself is not hashed
    writeReport(report, staging / "report.h5");
    return hash;
}

} // namespace

CompressResult summarize(const std::map<Cell, CellReport>& reports) {
    CompressResult result;
    result.cells = static_cast<int>(reports.size());
    for (const auto& [cell, report] : reports) {
        result.meanRelativeError += report.relativeError / static_cast<double>(reports.size());
    }
    return result;
}

CompressResult joinArtifact(const JoinRequest& request, Progress& progress,
                            const std::stop_token& stop) {
    progress.stage("write");
    const fs::path staging = stagingFolder(request.out);
    empty(staging); // it is locked, so it stays
    Report report;
    report.run = request.facts.attributes();
    report.layerCount = request.model->config.layerCount;
    std::string hash;
    try {
        hash = stage(request, report, progress, stop);
    } catch (...) {
        empty(staging); // nothing in it is taken up again, and it may fill the disk
        throw;
    }
    renameDurably(staging, request.out);

    const auto written = Artifact::open(request.out);
    CompressResult result = summarize(report.cells);
    result.artifactHash = hash;
    result.bitsPerWeight = written->bitsPerWeight();
    result.fileBytes = written->fileBytes();
    progress.event("artifact", {{"path", fs::absolute(request.out).string()},
                                {"hash", result.artifactHash},
                                {"bpw", result.bitsPerWeight},
                                {"bytes", result.fileBytes}});
    return result;
}

} // namespace caldera
