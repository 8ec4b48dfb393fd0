#include "core/compress/compress.h"

#include <chrono>
#include <map>
#include <set>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/folder_lock.h"
#include "core/base/saying_where.h"
#include "core/calibration/calibration.h"
#include "core/compress/artifact_join.h"
#include "core/compress/cell_key.h"
#include "core/compress/folders.h"
#include "core/compress/work_folder.h"
#include "core/decompose/decompose.h"
#include "core/forward/hidden_store.h"
#include "core/forward/transformer.h"
#include "core/linalg/device.h"
#include "core/linalg/numerics.h"
#include "core/linalg/random.h"
#include "core/plan/group_settings.h"

namespace caldera {

namespace {

namespace fs = std::filesystem;

/// One run from the first check to the finished folder.
class Compression {
public:
    Compression(const CompressRequest& request, Progress& progress, const std::stop_token& stop)
        : request_(request), config_(request.model->config), progress_(progress), stop_(stop),
          device_(deviceOf(request.device)), text_(calibrationText(request.plan.calibration)),
          calibration_(fitCalibration(request.plan.calibration, config_)),
          calibrationFacts_(calibrationFacts(*request.model, calibration_, text_, request.device)),
          calibrationKey_(calibrationKey(calibrationFacts_)),
          layers_(request.layers.value_or(LayerRange{0, config_.layerCount})),
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
    bool isOpen(int layer) const;
    CompressResult joinCells();
    CompressResult sealCells();

    fs::path fileOf(Cell cell) const { return cellFile(request_.work, cell); }
    std::string keyOf(Cell cell) const { return cellKey(request_.plan, cell, calibrationKey_); }
    void announce(const CompressedCell& cell, bool reused);

    const CompressRequest& request_;
    const ModelConfig& config_;
    Progress& progress_;
    const std::stop_token& stop_;
    torch::Device device_;
    std::string text_;
    CalibrationSettings calibration_;
    nlohmann::json calibrationFacts_;
    std::string calibrationKey_;
    LayerRange layers_;
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
    if (!fs::exists(fileOf(cell))) {
        return;
    }
    try {
        const CompressedCell finished = readCellFile(fileOf(cell), keyOf(cell));
        open_.erase(cell);
        ++reused_;
        announce(finished, true);
    } catch (const Error& e) {
        progress_.log(cellName(cell) + " is done again: " + e.what());
    }
}

void Compression::findCells() {
    open_ = cellsToCompress(request_.plan, layers_);
    const std::set<Cell> all = open_;
    for (const Cell cell : all) {
        checkCancelled(stop_);
        reuse(cell);
    }
}

void Compression::checkDisk() const {
    // A new state is written before the old one is removed.
    uint64_t work = open_.empty() ? 0
                                  : 2 * sizeof(float) * static_cast<uint64_t>(calibration_.tokens) *
                                        static_cast<uint64_t>(config_.hiddenSize);
    for (const Cell cell : open_) {
        work += static_cast<uint64_t>(
            cellBytes(request_.plan.settingsOf(cell), config_.shapeOf(cell.module)));
    }
    const uint64_t artifact =
        request_.layers
            ? 0
            : static_cast<uint64_t>(planSize(request_.plan, config_).total()) + (16U << 20);
    requireSpace({request_.out, artifact}, {request_.work, work});
}

torch::Tensor Compression::embedTokens() const {
    const torch::Tensor tokens =
        calibrationTokens(*request_.model->tokenizer, text_, calibration_, progress_);
    return weights_->embed(tokens).to(at::kCPU);
}

HiddenStore::State Compression::startState(int layer) const {
    std::optional<HiddenStore::State> found = hidden_.load(layer);
    HiddenStore::State state = found ? std::move(*found) : HiddenStore::State{0, embedTokens()};
    if (device_.is_cuda()) {
        state.hidden = state.hidden.pin_memory(); // copies to and fro run beside the work
    }
    return state;
}

void Compression::finishCell(Cell cell, const torch::Tensor& weight, const GroupBasis& basis) {
    const CellSettings settings = request_.plan.settingsOf(cell);
    const uint64_t seed = deriveSeed(settings.seed, cellName(cell));
    const CompressedCell finished = decompose({cell, weight, settings, seed, stop_}, basis);
    writeCellFile(fileOf(cell), finished, keyOf(cell));
    open_.erase(cell);
    announce(finished, false);
}

bool Compression::isOpen(int layer) const {
    const auto next = open_.lower_bound({layer, kModules.front()});
    return next != open_.end() && next->layer == layer;
}

/// Leaves the layer's output in `hidden`; decomposes what is open in it.
void Compression::finishLayer(int layer, torch::Tensor& hidden) {
    BlockWeights weights = weights_->block(layer);
    if (!isOpen(layer)) {
        propagateBlock(config_, weights, hidden, stop_);
        return;
    }
    BlockHessians hessians = calibrateBlock(config_, weights, hidden, stop_);
    for (const InputGroup group : kInputGroups) {
        torch::Tensor& hessian = hessians.hessian[static_cast<size_t>(group)];
        std::optional<GroupBasis> basis; // made when the group's first open cell needs it
        for (const Module module : kModules) {
            if (inputGroupOf(module) != group || !open_.contains({layer, module})) {
                continue;
            }
            checkCancelled(stop_);
            if (!basis) {
                const CellSettings shared = groupSettings(request_.plan, layer, group);
                const std::string name = inputGroupPrefix(layer, group);
                basis = sayingWhere(name, [&] {
                    return makeGroupBasis(std::move(hessian), config_.inputSize(group), shared,
                                          deriveSeed(shared.seed, name));
                });
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
    // From here on time counts: what comes before the first cell belongs to the work of a layer.
    progress_.advance(static_cast<int64_t>(reports_.size()),
                      static_cast<int64_t>(reports_.size() + open_.size()));
    weights_ = modelWeights(request_.model, device_);
    const int last = open_.rbegin()->layer;
    HiddenStore::State state = startState(open_.begin()->layer);
    for (int layer = state.layer; layer <= last; ++layer) {
        checkCancelled(stop_);
        finishLayer(layer, state.hidden);
        // Passing through a layer again costs less than writing down what only passes on.
        if (isOpen(layer + 1)) {
            hidden_.save(layer + 1, state.hidden);
        }
    }
}

CompressResult Compression::joinCells() {
    fs::create_directories(request_.out.parent_path());
    JoinRequest join;
    join.model = request_.model;
    join.plan = request_.plan;
    join.out = request_.out;
    join.facts = {request_.model->name, request_.model->fingerprint, request_.command,
                  request_.device, numericsName()};
    join.load = [this](Cell cell) { return readCellFile(fileOf(cell), keyOf(cell)); };
    return joinArtifact(join, progress_, stop_);
}

/// The work folder becomes a shard.
CompressResult Compression::sealCells() {
    sealShard(request_.out, {layers_, request_.plan, request_.source, calibrationFacts_});
    fs::remove_all(hiddenFolder(request_.work));
    CompressResult result = summarize(reports_);
    int64_t bits = 0;
    int64_t weights = 0;
    for (const auto& [cell, report] : reports_) {
        result.fileBytes += static_cast<int64_t>(fs::file_size(fileOf(cell)));
        bits += report.bytes * 8;
        weights += report.shape.size();
    }
    result.bitsPerWeight =
        weights > 0 ? static_cast<double>(bits) / static_cast<double>(weights) : 0;
    progress_.event("artifact", {{"path", request_.out.string()},
                                 {"kind", "shard"},
                                 {"bpw", result.bitsPerWeight},
                                 {"bytes", result.fileBytes}});
    return result;
}

CompressResult Compression::run() {
    const auto start = std::chrono::steady_clock::now();
    progress_.stage("compress");
    findCells();
    if (!request_.force) {
        checkDisk();
    }
    if (!open_.empty()) {
        unsealShard(request_.work);
    }
    openWorkFolder(request_.work, at::get_num_threads());
    finishLayers();
    checkCancelled(stop_);
    CompressResult result = request_.layers ? sealCells() : joinCells();
    result.reusedCells = reused_;
    result.seconds = secondsSince(start);
    return result;
}

/// The layers of a finished shard. Of a damaged one nothing is known; its cells may still fit.
std::optional<LayerRange> sealedLayers(const fs::path& folder) {
    try {
        return isShard(folder) ? std::optional(readShard(folder).layers) : std::nullopt;
    } catch (const Error& e) {
        if (e.code() != "shard.damaged") {
            throw;
        }
        return std::nullopt;
    }
}

/// What a shard's folder may hold is work of its own.
void requireShardFolder(const fs::path& out, LayerRange layers) {
    if (!isWorkFolder(out)) {
        requireFreeTarget(out);
        return;
    }
    const LayerRange sealed = sealedLayers(out).value_or(layers);
    if (sealed != layers) {
        throw Error("shard.layers",
                    out.string() + " is a finished shard of other layers (" + layersText(sealed) +
                        ", not " + layersText(layers) + "). Choose another folder with --out.",
                    {{"path", out.string()}});
    }
}

/// A whole run removes its work at the end, so that nothing else may be in there.
void requireWorkFolder(const fs::path& work) {
    requireOwnWork(work);
    if (isShard(work)) {
        throw Error("compress.work-shard",
                    work.string() +
                        " is a finished shard; its cells would be removed with the work. Choose "
                        "another folder with --work, or join shards with `caldera merge`.",
                    {{"path", work.string()}});
    }
}

CompressResult compressShard(CompressRequest request, Progress& progress,
                             const std::stop_token& stop) {
    checkLayers(*request.layers, request.model->config.layerCount);
    request.work = request.out;
    requireShardFolder(request.out, *request.layers);
    Compression compression(request, progress, stop);
    const FolderLock lock(request.out);
    requireShardFolder(request.out, *request.layers); // whoever had the lock may have written it
    return compression.run();
}

} // namespace

CompressResult compress(const CompressRequest& given, Progress& progress,
                        const std::stop_token& stop) {
    CompressRequest request = given;
    request.out = wholePath(given.out);
    checkPlan(request.plan, request.model->config);
    if (request.layers) {
        return compressShard(std::move(request), progress, stop);
    }
    request.work = wholePath(given.work);
    requireApart(request.out, request.work);
    requireWorkFolder(request.work);
    requireFreeTarget(request.out);
    Compression compression(request, progress, stop);
    const FolderLock work(request.work);
    const FolderLock staging(stagingFolder(request.out));
    requireWorkFolder(request.work); // whoever had the locks may have written them
    requireFreeTarget(request.out);
    return compression.run();
}

} // namespace caldera
