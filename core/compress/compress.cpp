#include "core/compress/compress.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <sys/stat.h>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/artifact/artifact.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/folder_lock.h"
#include "core/base/text.h"
#include "core/calibration/calibration.h"
#include "core/compress/cell_key.h"
#include "core/compress/hidden_store.h"
#include "core/compress/packing_check.h"
#include "core/compress/work_folder.h"
#include "core/decompose/decompose.h"
#include "core/forward/transformer.h"
#include "core/linalg/device.h"
#include "core/linalg/numerics.h"
#include "core/linalg/random.h"
#include "core/plan/group_settings.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

fs::path stagingFolder(const fs::path& out) {
    return fs::path(out.string() + ".partial");
}

bool holdsSomething(const fs::path& path) {
    return fs::exists(path) && (!fs::is_directory(path) || !fs::is_empty(path));
}

/// The file system that holds the path or its nearest existing parent.
dev_t fileSystemOf(fs::path path) {
    path = fs::absolute(path).lexically_normal();
    struct stat status {};
    while (::stat(path.c_str(), &status) != 0 && path != path.parent_path()) {
        path = path.parent_path();
    }
    return status.st_dev;
}

void requireSpace(const fs::path& path, uint64_t needed) {
    const uint64_t available = freeDiskBytes(path);
    if (available < needed) {
        throw Error(
            "compress.disk",
            "Compressing needs about " + byteText(needed) + " at " + path.string() + ", where " +
                byteText(available) + " are free. Free some space, or choose another folder.",
            {{"path", path.string()}, {"needed", byteText(needed)}, {"free", byteText(available)}});
    }
}

/// One run from the first check to the finished folder.
class Compression {
public:
    Compression(const CompressRequest& request, Progress& progress, const std::stop_token& stop)
        : request_(request), config_(request.model->config), progress_(progress), stop_(stop),
          device_(deviceOf(request.device)), text_(calibrationText(request.plan.calibration)),
          calibration_(fitCalibration(request.plan.calibration, config_)),
          calibrationKey_(calibrationKey(*request.model, calibration_, text_, request.device)),
          hidden_(hiddenFolder(request.work), calibrationKey_) {}

    CompressResult run();

private:
    void findCells();
    void reuse(Cell cell);
    void checkDisk() const;
    void finishLayers();
    HiddenStore::State startState(int layer) const;
    torch::Tensor embedTokens() const;
    void finishLayer(int layer, torch::Tensor& hidden);
    void finishCell(Cell cell, const torch::Tensor& weight, const GroupBasis& basis);
    torch::Tensor originalWeight(Cell cell) const;
    std::string writeOut();
    Report makeReport() const;

    fs::path cellFile(Cell cell) const {
        return cellsFolder(request_.work) / (cellName(cell) + ".safetensors");
    }
    std::string keyOf(Cell cell) const { return cellKey(request_.plan, cell, calibrationKey_); }
    void announce(const CompressedCell& cell, bool reused);

    const CompressRequest& request_;
    const ModelConfig& config_;
    Progress& progress_;
    const std::stop_token& stop_;
    torch::Device device_;
    std::string text_;
    CalibrationSettings calibration_;
    std::string calibrationKey_;
    HiddenStore hidden_;
    std::shared_ptr<const TransformerWeights> weights_;
    std::set<Cell> open_; ///< still to be decomposed
    std::map<Cell, CellReport> reports_;
    int reused_ = 0;
};

void Compression::announce(const CompressedCell& cell, bool reused) {
    const CellReport& report = cell.report;
    progress_.event("cell", {{"layer", cell.cell.layer},
                             {"module", moduleName(cell.cell.module)},
                             {"relative_error", report.relativeError},
                             {"bpw", report.bitsPerWeight},
                             {"seconds", report.seconds},
                             {"reused", reused}});
    reports_[cell.cell] = report;
    progress_.advance(static_cast<int64_t>(reports_.size()),
                      static_cast<int64_t>(reports_.size() + open_.size()));
}

/// A whole cell file of the same key saves the work; anything else is done again.
void Compression::reuse(Cell cell) {
    if (!fs::exists(cellFile(cell))) {
        return;
    }
    try {
        const CompressedCell finished = readCellFile(cellFile(cell), keyOf(cell));
        open_.erase(cell);
        ++reused_;
        announce(finished, true);
    } catch (const Error& e) {
        progress_.log(cellName(cell) + " is done again: " + e.what());
    }
}

void Compression::findCells() {
    for (int layer = 0; layer < config_.layerCount; ++layer) {
        for (const Module module : kModules) {
            if (!request_.plan.settingsOf({layer, module}).skip) {
                open_.insert({layer, module});
            }
        }
    }
    const std::set<Cell> all = open_;
    for (const Cell cell : all) {
        checkCancelled(stop_);
        reuse(cell);
    }
}

void Compression::checkDisk() const {
    const auto artifact =
        static_cast<uint64_t>(planSize(request_.plan, config_).total()) + (16U << 20);
    // A new state is written before the old one is removed.
    uint64_t work = open_.empty() ? 0
                                  : 2 * sizeof(float) * static_cast<uint64_t>(calibration_.tokens) *
                                        static_cast<uint64_t>(config_.hiddenSize);
    for (const Cell cell : open_) {
        work += static_cast<uint64_t>(
            cellBytes(request_.plan.settingsOf(cell), config_.shapeOf(cell.module)));
    }
    if (fileSystemOf(request_.out) == fileSystemOf(request_.work)) {
        requireSpace(request_.out, artifact + work);
    } else {
        requireSpace(request_.out, artifact);
        requireSpace(request_.work, work);
    }
}

torch::Tensor Compression::embedTokens() const {
    const torch::Tensor tokens =
        calibrationTokens(*request_.model->tokenizer, text_, calibration_, progress_);
    return weights_->embed(tokens).to(at::kCPU);
}

HiddenStore::State Compression::startState(int layer) const {
    if (auto state = hidden_.load(layer)) {
        return std::move(*state);
    }
    return {0, embedTokens()};
}

void Compression::finishCell(Cell cell, const torch::Tensor& weight, const GroupBasis& basis) {
    const CellSettings settings = request_.plan.settingsOf(cell);
    const CompressedCell finished = decompose(
        {cell, weight, settings, deriveSeed(settings.seed, cellName(cell)), stop_}, basis);
    writeCellFile(cellFile(cell), finished, keyOf(cell));
    open_.erase(cell);
    announce(finished, false);
}

/// Leaves the layer's output in `hidden`; decomposes what is open in it.
void Compression::finishLayer(int layer, torch::Tensor& hidden) {
    BlockWeights weights = weights_->block(layer);
    const auto isOpen = [&](Module module) { return open_.contains({layer, module}); };
    if (std::none_of(kModules.begin(), kModules.end(), isOpen)) {
        applyBlock(config_, weights, hidden);
        return;
    }
    BlockHessians hessians = calibrateBlock(config_, weights, hidden, stop_);
    for (const InputGroup group : kInputGroups) {
        torch::Tensor& hessian = hessians.hessian[static_cast<size_t>(group)];
        std::optional<GroupBasis> basis; // made when the group's first open cell needs it
        for (const Module module : kModules) {
            if (inputGroupOf(module) != group || !isOpen(module)) {
                continue;
            }
            checkCancelled(stop_);
            if (!basis) {
                const CellSettings shared = groupSettings(request_.plan, layer, group);
                basis = makeGroupBasis(hessian, config_.inputSize(group), shared,
                                       deriveSeed(shared.seed, inputGroupPrefix(layer, group)));
                hessian.reset(); // of a wide group this is gigabytes
            }
            torch::Tensor& weight = weights.weight[static_cast<size_t>(module)];
            finishCell({layer, module}, weight, *basis);
            weight.reset();
        }
        hessian.reset();
    }
}

void Compression::finishLayers() {
    if (open_.empty()) {
        return;
    }
    weights_ = modelWeights(request_.model, device_);
    const int last = open_.rbegin()->layer;
    HiddenStore::State state = startState(open_.begin()->layer);
    for (int layer = state.layer; layer <= last; ++layer) {
        checkCancelled(stop_);
        finishLayer(layer, state.hidden);
        if (layer < last) {
            hidden_.save(layer + 1, state.hidden);
        }
    }
}

Report Compression::makeReport() const {
    Report report;
    report.run = RunFacts{request_.model->name, request_.model->fingerprint, request_.command,
                          request_.device, numericsName()}
                     .attributes();
    report.layerCount = config_.layerCount;
    report.cells = reports_;
    return report;
}

torch::Tensor Compression::originalWeight(Cell cell) const {
    const MatrixShape shape = config_.shapeOf(cell.module);
    torch::Tensor weight = at::empty({shape.rows, shape.columns}, at::kFloat);
    request_.model->weights->readRows(
        cellName(cell) + ".weight", 0, shape.rows,
        {weight.data_ptr<float>(), static_cast<size_t>(weight.numel())});
    return weight;
}

/// Everything is written beside the target, which appears at once and whole.
std::string Compression::writeOut() {
    const fs::path staging = stagingFolder(request_.out);
    for (const auto& entry : fs::directory_iterator(staging)) { // it is locked, so it stays
        fs::remove_all(entry.path());
    }
    ArtifactRequest artifact;
    artifact.model = request_.model;
    artifact.plan = request_.plan;
    artifact.folder = staging;
    artifact.load = [this](Cell cell) {
        checkCancelled(stop_);
        return readCellFile(cellFile(cell), keyOf(cell));
    };
    artifact.verify = [this](const CompressedCell& cell) {
        checkPacking(cell, originalWeight(cell.cell));
    };
    artifact.codecTables = codecTables(request_.plan, config_);
    std::string hash = writeArtifact(artifact);
    writeReport(makeReport(), staging / "report.h5");
    renameDurably(staging, request_.out);
    return hash;
}

CompressResult Compression::run() {
    const auto start = std::chrono::steady_clock::now();
    progress_.stage("compress");
    findCells();
    checkDisk();
    openWorkFolder(request_.work, at::get_num_threads());
    fs::create_directories(fs::absolute(request_.out).parent_path());
    finishLayers();

    checkCancelled(stop_);
    progress_.stage("write");
    CompressResult result;
    result.artifactHash = writeOut();
    const auto artifact = Artifact::open(request_.out);
    result.cells = static_cast<int>(reports_.size());
    result.reusedCells = reused_;
    result.bitsPerWeight = artifact->bitsPerWeight();
    result.fileBytes = artifact->fileBytes();
    for (const auto& [cell, report] : reports_) {
        result.meanRelativeError += report.relativeError / static_cast<double>(reports_.size());
    }
    result.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    progress_.event("artifact", {{"path", fs::absolute(request_.out).string()},
                                 {"hash", result.artifactHash},
                                 {"bpw", result.bitsPerWeight},
                                 {"bytes", result.fileBytes}});
    return result;
}

/// Whole and without a slash at the end, which would put what belongs beside a folder into it.
fs::path wholePath(const fs::path& path) {
    const fs::path whole = fs::weakly_canonical(fs::absolute(path));
    return whole.has_filename() ? whole : whole.parent_path();
}

bool liesWithin(const fs::path& path, const fs::path& folder) {
    const auto [end, rest] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    return end == folder.end();
}

void checkOut(const fs::path& out) {
    if (holdsSomething(out)) {
        throw Error("compress.out-exists",
                    out.string() + " exists and is not empty. Choose another folder with --out, or "
                                   "remove it first.",
                    {{"path", out.string()}});
    }
}

/// The target appears by a rename, so nothing may be in it before; cells go away at the end, and
/// the target with them if it were among them.
void checkFolders(const fs::path& out, const fs::path& work) {
    if (liesWithin(work, out) || liesWithin(out, cellsFolder(work)) ||
        liesWithin(out, hiddenFolder(work))) {
        throw Error("compress.folders",
                    "The compressed model cannot be written to " + out.string() +
                        " with its work in " + work.string() +
                        ", for one lies in the other. Choose other folders with --out or --work.",
                    {{"out", out.string()}, {"work", work.string()}});
    }
}

} // namespace

CompressResult compress(const CompressRequest& given, Progress& progress,
                        const std::stop_token& stop) {
    CompressRequest request = given;
    request.out = wholePath(given.out);
    request.work = wholePath(given.work);
    checkPlan(request.plan, request.model->config);
    checkFolders(request.out, request.work);
    checkOut(request.out);
    Compression compression(request, progress, stop);
    const FolderLock work(request.work);
    const FolderLock staging(stagingFolder(request.out));
    checkOut(request.out); // whoever had the lock may have written it
    return compression.run();
}

} // namespace caldera
