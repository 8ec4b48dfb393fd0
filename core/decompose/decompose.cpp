#include "core/decompose/decompose.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include <ATen/ATen.h>

#include "core/base/elapsed.h"
#include "core/base/error.h"
#include "core/base/half.h"
#include "core/base/saying_where.h"
#include "core/base/text.h"
#include "core/codec/codec.h"
#include "core/decompose/cell_basis.h"
#include "core/decompose/cell_measure.h"
#include "core/decompose/lr_solver.h"
#include "core/decompose/q_solver.h"
#include "core/decompose/step_metrics.h"
#include "core/forward/decode_cell.h"
#include "core/job/progress.h"
#include "core/linalg/factorization.h"
#include "core/linalg/random.h"
#include "core/model/weight_source.h"
#include "core/plan/plan_keys.h"

namespace caldera {

namespace {

/// Another outer iteration must lower the error by this share to be followed by one more.
constexpr double kWorthwhileGain = 0.002;
/// Sweeps of coordinate descent in each Q step.
constexpr int kSweeps = 2;

/// The smallest number above 0 in fp16.
constexpr double kSmallestWeight = 0x1p-24;

void requireOneOf(const std::string& what, const std::string& came, const Choices& known) {
    if (std::find(known.begin(), known.end(), came) != known.end()) {
        return;
    }
    std::string list;
    for (const std::string& word : known) {
        list += (list.empty() ? "\"" : ", \"") + word + "\"";
    }
    throw Error("decompose.choice",
                "the " + what + " \"" + came + "\" is unknown. Known: " + list + ".",
                {{"came", came}, {"known", list}});
}

/// The sentences go on from the place that decompose() puts in front of them.
void checkRequest(const DecomposeRequest& request, const GroupBasis& basis) {
    const torch::Tensor& weight = request.weight;
    if (weight.dim() != 2 || weight.numel() == 0 || weight.size(1) != basis.hessian.size(0)) {
        throw Error("decompose.shape",
                    "the weight is " + shapeText(weight.sizes().vec()) +
                        "; a matrix that is not empty and has as many columns as its Hessian, " +
                        std::to_string(basis.hessian.size(0)) + ", was needed.");
    }
    checkWeight(weight);
    const int rank = request.settings.rank;
    const int64_t limit = std::min(weight.size(0), weight.size(1));
    if (rank < 0 || rank > limit || rank % kRowGroup != 0) {
        throw Error("decompose.rank",
                    "rank " + std::to_string(rank) +
                        " was asked; it must be 0 or a multiple of 16 up to " +
                        std::to_string(limit / kRowGroup * kRowGroup) + ".",
                    {{"rank", std::to_string(rank)}});
    }
    if (rank == 0 && request.settings.bits == 0) {
        throw Error("decompose.nothing-left",
                    "with 0 bits for Q and rank 0 nothing of the matrix is left. Give it a rank or "
                    "bits.");
    }
    requireOneOf("update order", request.settings.updateOrder, kUpdateOrders);
    requireOneOf("start of L R", request.settings.lowRankStart, kLowRankStarts);
    requireOneOf("choice of steps that see the Hessian", request.settings.activationAware,
                 kHessianSteps);
}

/// The best Q and L R so far, and the steps that make them.
class Solver {
public:
    Solver(const DecomposeRequest& request, const GroupBasis& basis, torch::Tensor rotated)
        : request_(request), basis_(basis), weight_(std::move(rotated)),
          codec_(makeCodec(request.settings.codecId())),
          leftCodec_(makeFactorCodec(request.settings.leftCodecId())),
          rightCodec_(makeFactorCodec(request.settings.rightCodecId())),
          blindMetric_(request.settings.activationAware == "Q,LR" ? torch::Tensor()
                                                                  : identityLike(basis.hessian)),
          lowRankMetric_(seesHessian(request.settings, "LR") ? basis.hessian : blindMetric_),
          qSolver_(*codec_, {weight_.size(0), weight_.size(1)},
                   seesHessian(request.settings, "Q") ? basis.hessian : blindMetric_,
                   seesHessian(request.settings, "Q") ? basis.cholesky : blindMetric_,
                   request.stop),
          lowRankSettings_{request.settings.rank, request.settings.innerIterations,
                           deriveSeed(request.seed, "low-rank"), *leftCodec_, *rightCodec_},
          reference_(energy(weight_)) {}

    void run();
    void pack(CompressedCell& cell) const;
    std::vector<HistoryEntry> history() const { return history_; }

private:
    double energy(const torch::Tensor& x) const;
    torch::Tensor withoutLowRank() const {
        return lowRank_.empty() ? weight_ : weight_ - lowRank_.product();
    }
    torch::Tensor withoutQ() const { return hasQ_ ? weight_ - qSolver_.dense(q_) : weight_; }
    bool hasQCodes() const { return codec_->bitsPerWeight() > 0; }
    double record(int iteration, const std::string& step);
    std::vector<std::string> stepsOf(int iteration) const;
    void lowRankStep();
    void qStep();
    torch::Tensor downdatedCholesky() const;

    const DecomposeRequest& request_;
    const GroupBasis& basis_;
    torch::Tensor weight_; ///< rotated [rows, columns]
    std::shared_ptr<const Codec> codec_;
    std::shared_ptr<const FactorCodec> leftCodec_;
    std::shared_ptr<const FactorCodec> rightCodec_;
    torch::Tensor blindMetric_;   ///< [columns, columns], for steps that do not see the Hessian
    torch::Tensor lowRankMetric_; ///< [columns, columns]
    QSolver qSolver_;
    LowRankSettings lowRankSettings_;
    double reference_;
    QuantizedWeight q_;
    LowRank lowRank_;
    bool hasQ_ = false;
    QuantizedWeight bestQ_;
    LowRank bestLowRank_;
    std::vector<HistoryEntry> history_;
};

/// tr(x M x^T) in the metric of the report. Throws Error("decompose.range") where f32 does not
/// hold it, so that no step passes for a perfect one.
double Solver::energy(const torch::Tensor& x) const {
    const double sum = (at::mm(x, basis_.metric) * x).sum(at::kDouble).item<double>();
    if (!std::isfinite(sum)) {
        throw Error("decompose.range",
                    "The energy of the weight or of its error is beyond what f32 holds. Rescale "
                    "the matrix.");
    }
    return sum;
}

double Solver::record(int iteration, const std::string& step) {
    checkCancelled(request_.stop);
    torch::Tensor error = withoutQ();
    if (!lowRank_.empty()) {
        error = error - lowRank_.product();
    }
    const double relative =
        reference_ > 0 ? std::sqrt(std::max(0.0, energy(error) / reference_)) : 0;
    history_.push_back({iteration, step, relative});
    return relative;
}

void Solver::lowRankStep() {
    if (lowRank_.empty()) {
        const bool first = !hasQ_ && seesHessian(request_.settings, "LR");
        lowRank_ =
            fitLowRank(withoutQ(), first ? startMetric(request_.settings, basis_) : lowRankMetric_,
                       lowRankSettings_);
    } else {
        improveLowRank(lowRank_, withoutQ(), lowRankMetric_, lowRankSettings_);
    }
}

/// Cholesky of H - H R^T (R H R^T)^-1 R H, the cost of an error that the best L cannot take up,
/// damped by the plan's share of its own mean diagonal.
torch::Tensor Solver::downdatedCholesky() const {
    const torch::Tensor right = lowRank_.rightTransposed.dense();
    const torch::Tensor weighted = at::mm(basis_.hessian, right); // [columns, rank]
    const torch::Tensor gram = at::mm(right.t(), weighted);
    const torch::Tensor rest =
        basis_.hessian - at::mm(weighted, solveSymmetric(gram, weighted).t());
    const double mean = rest.diagonal().mean(at::kDouble).item<double>();
    return mean > 0 ? dampedCholesky(rest / mean, request_.settings.damping).factor
                    : basis_.cholesky;
}

void Solver::qStep() {
    torch::Tensor target = withoutLowRank();
    if (!hasQ_) {
        const bool downdate = request_.settings.hessianDowndate && !lowRank_.empty() &&
                              seesHessian(request_.settings, "Q");
        q_ = qSolver_.encode(target, downdate ? downdatedCholesky() : torch::Tensor());
        hasQ_ = true;
        if (downdate) { // L takes up what this metric left to it, then Q goes on in the true one
            improveLowRank(lowRank_, withoutQ(), lowRankMetric_, lowRankSettings_);
            target = withoutLowRank();
        }
    }
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
        qSolver_.improve(target, q_);
    }
}

/// Ends on Q wherever there is one: it takes up what the rounding of the factors leaves.
std::vector<std::string> Solver::stepsOf(int iteration) const {
    std::vector<std::string> steps = {"LR", "Q"};
    if (iteration == 0 && request_.settings.updateOrder == "Q,LR") {
        steps.insert(steps.begin(), "Q");
    }
    if (!hasQCodes()) {
        std::erase(steps, "Q");
    }
    if (request_.settings.rank == 0) {
        steps = {"Q"};
    }
    return steps;
}

void Solver::run() {
    if (!hasQCodes()) {
        q_ = qSolver_.nearest(at::zeros_like(weight_));
        hasQ_ = true;
    }
    double best = std::numeric_limits<double>::infinity();
    for (int iteration = 0; iteration < std::max(request_.settings.outerIterations, 1);
         ++iteration) {
        double error = 0;
        for (const std::string& step : stepsOf(iteration)) {
            step == "LR" ? lowRankStep() : qStep();
            error = record(iteration, step);
        }
        const bool stalled = error > best * (1 - kWorthwhileGain);
        if (error < best) {
            best = error;
            bestQ_ = q_.clone();
            bestLowRank_ = lowRank_;
        }
        if (stalled || best == 0) {
            break;
        }
    }
}

void Solver::pack(CompressedCell& cell) const {
    const MatrixShape shape{weight_.size(0), weight_.size(1)};
    const torch::Tensor scale = bestQ_.scale.flatten().to(at::kCPU);
    cell.q.codec = codec_->id();
    cell.q.shape = shape;
    cell.q.codes = QSolver::pack(bestQ_);
    for (int64_t row = 0; row < scale.size(0); row += kRowGroup) {
        cell.q.scale.push_back(floatToFp16(scale.data_ptr<float>()[row]));
    }
    if (bestLowRank_.empty()) {
        cell.l = {leftCodec_->id(), {shape.rows, 0}, {}, {}};
        cell.r = {rightCodec_->id(), {0, shape.columns}, {}, {}};
    } else {
        cell.l = packFactor(bestLowRank_.left, *leftCodec_, FactorSide::Left);
        cell.r = packFactor(bestLowRank_.rightTransposed, *rightCodec_, FactorSide::Right);
    }
}

std::vector<uint16_t> toHalfBits(const torch::Tensor& x) {
    const torch::Tensor values = x.flatten().to(at::kCPU, at::kFloat).contiguous();
    std::vector<uint16_t> bits(static_cast<size_t>(values.numel()));
    std::transform(values.data_ptr<float>(), values.data_ptr<float>() + values.numel(),
                   bits.begin(), floatToFp16);
    return bits;
}

int64_t packedBytes(const CompressedCell& cell) {
    size_t bytes = cell.outSign.size() * sizeof(uint16_t);
    for (const PackedMatrix* part : {&cell.q, &cell.l, &cell.r}) {
        bytes += part->codes.size() + part->scale.size() * sizeof(uint16_t);
    }
    return static_cast<int64_t>(bytes);
}

CompressedCell decomposeHere(const DecomposeRequest& request, const GroupBasis& basis) {
    const auto start = std::chrono::steady_clock::now();
    checkRequest(request, basis);
    const torch::Tensor weight = request.weight.to(basis.hessian.device(), at::kFloat);
    const CellBasis cellBasis(basis, request.settings, weight.size(0), request.seed);
    CompressedCell cell;
    cell.cell = request.cell;
    {
        // Gone, like all that it holds, before the cell is measured.
        Solver solver(request, basis, cellBasis.rotated(weight));
        solver.run();
        solver.pack(cell);
        cell.report.history = solver.history();
    }
    cell.outSign = toHalfBits(cellBasis.outSign());
    cell.inSign = toHalfBits(basis.inSign);
    CellReport& report = cell.report;
    report.settings = request.settings;
    report.shape = cell.q.shape;
    report.dampingUsed = basis.dampingUsed;
    report.bytes = packedBytes(cell);
    report.bitsPerWeight =
        static_cast<double>(report.bytes) * 8 / static_cast<double>(report.shape.size());
    measureCell(cell, weight, basis);
    report.seconds = secondsSince(start);
    return cell;
}

} // namespace

void checkWeight(const torch::Tensor& weight) {
    if (!at::isfinite(weight).all().item<bool>()) {
        throw Error("decompose.not-finite",
                    "The weight holds NaN or infinity. The model file is damaged or was saved in "
                    "a format too narrow for it.");
    }
    const double largest = weight.abs().max().item<double>();
    if (largest > 0 && largest < kSmallestWeight) {
        throw Error("decompose.range",
                    "The largest weight is " + numberText(largest) +
                        ", and fp16 scales hold nothing below " + numberText(kSmallestWeight) +
                        ". Rescale the matrix.",
                    {{"largest", numberText(largest)}});
    }
}

CompressedCell decompose(const DecomposeRequest& request, const GroupBasis& basis) {
    return sayingWhere(request.where.empty() ? cellName(request.cell) : request.where,
                       [&] { return decomposeHere(request, basis); });
}

torch::Tensor reconstruct(const CompressedCell& cell, const torch::Device& device) {
    return decodeCell(viewOf(cell), device);
}

} // namespace caldera
