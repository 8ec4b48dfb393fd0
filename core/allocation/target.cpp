#include "core/allocation/target.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/allocation/wording.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/plan/packing.h"

namespace caldera {

namespace {

using Kind = AllocationTarget::Kind;

GpuLoad loadOf(const AllocationTarget& target) {
    return {.contextLength = target.contextLength};
}

int64_t weightsOf(const ModelConfig& config) {
    int64_t weights = 0;
    for (const Module module : kModules) {
        weights += config.shapeOf(module).size();
    }
    return weights * config.layerCount;
}

[[noreturn]] void refuse(const std::string& sentence, double came) {
    throw Error("allocation.target", sentence, {{"came", numberText(came)}});
}

} // namespace

void checkTarget(const AllocationTarget& target) {
    if (!std::isfinite(target.value) || target.value <= 0) {
        refuse("The target is " + numberText(target.value) + "; a number above 0 was needed.",
               target.value);
    }
    if (target.contextLength <= 0) {
        refuse("The context has " + std::to_string(target.contextLength) +
                   " tokens; at least 1 was needed.",
               target.contextLength);
    }
    if (target.cacheBits != 16 && target.cacheBits != 8) {
        refuse("Keys and values have " + std::to_string(target.cacheBits) +
                   " bits; 16 or 8 was needed.",
               target.cacheBits);
    }
    const DecodeSpeed& speed = target.speed;
    if (!std::isfinite(speed.bytesPerSecond) || speed.bytesPerSecond <= 0 ||
        !std::isfinite(speed.layerSeconds) || speed.layerSeconds < 0) {
        refuse("The GPU reads " + numberText(speed.bytesPerSecond) + " bytes a second and takes " +
                   numberText(speed.layerSeconds) +
                   " seconds more for a layer; a number above 0 and one of at least 0 were needed.",
               speed.bytesPerSecond);
    }
}

CostMeasure::CostMeasure(const AllocationTarget& target, const ModelConfig& config)
    : target_(target), config_(config) {
    checkTarget(target);
}

double CostMeasure::cell(const CellSettings& settings, Module module) const {
    const MatrixShape shape = config_.shapeOf(module);
    switch (target_.kind) {
    case Kind::GpuMemory:
        return static_cast<double>(gpuCellBytes(settings, shape) +
                                   (settings.skip ? 0 : settings.rank) *
                                       gpuRankBytes(loadOf(target_)));
    case Kind::TokensPerSecond:
        return static_cast<double>(gpuCellReadBytes(settings, shape));
    default:
        return static_cast<double>(cellBytes(settings, shape));
    }
}

double CostMeasure::table(Table table, int bits) const {
    const bool isOnGpu = target_.kind == Kind::GpuMemory || target_.kind == Kind::TokensPerSecond;
    if (isOnGpu && table == Table::Embeddings && !config_.tiedEmbeddings) {
        return 0; // stays in the machine's memory
    }
    switch (target_.kind) {
    case Kind::GpuMemory:
        return static_cast<double>(gpuHeadBytes(config_, bits));
    case Kind::TokensPerSecond:
        return static_cast<double>(gpuHeadReadBytes(config_, bits));
    default:
        return static_cast<double>(config_.vocabSize * tableRow(bits, config_.hiddenSize).bytes());
    }
}

double CostMeasure::plan(const Plan& plan, const PlanCells& cells) const {
    switch (target_.kind) {
    case Kind::GpuMemory:
        return static_cast<double>(
            gpuMemory(plan, cells, config_, loadOf(target_), target_.cacheBits).total());
    case Kind::TokensPerSecond:
        return static_cast<double>(
            gpuStepBytes(plan, cells, config_, loadOf(target_), target_.cacheBits));
    default:
        return static_cast<double>(cells.size().total());
    }
}

double CostMeasure::budget(const PlanCells& cells) const {
    switch (target_.kind) {
    case Kind::Kl:
        return std::numeric_limits<double>::infinity();
    case Kind::TokensPerSecond:
        return target_.speed.stepBytes(target_.value, config_.layerCount);
    case Kind::BitsPerWeight:
        return std::floor(target_.value * static_cast<double>(weightsOf(config_)) / 8) +
               static_cast<double>(cells.size().total() - cells.size().cellBytes);
    default:
        return target_.value;
    }
}

std::string CostMeasure::text(double bytes, const PlanCells& cells) const {
    return text(bytes, cells, false);
}

std::string CostMeasure::enoughText(double bytes, const PlanCells& cells) const {
    return text(bytes, cells, true);
}

std::string CostMeasure::text(double bytes, const PlanCells& cells, bool isEnough) const {
    const auto whole = static_cast<uint64_t>(std::max(bytes, 0.0));
    switch (target_.kind) {
    case Kind::BitsPerWeight: {
        const double ofCells =
            bytes - static_cast<double>(cells.size().total() - cells.size().cellBytes);
        return roundedText(8 * ofCells / static_cast<double>(weightsOf(config_)),
                           isEnough ? Rounding::Up : Rounding::Nearest) +
               " bits a weight";
    }
    case Kind::GpuMemory:
        return memoryText(isEnough ? roundedUpInPowersOf1024(whole) : whole) +
               " of GPU memory (with " + std::to_string(target_.contextLength) +
               " tokens of context)";
    case Kind::TokensPerSecond:
        return roundedText(
                   target_.speed.tokensPerSecond(static_cast<int64_t>(bytes), config_.layerCount),
                   isEnough ? Rounding::Down : Rounding::Nearest) +
               " tokens a second (estimated)";
    default:
        return std::to_string(whole) + " bytes (" +
               byteText(isEnough ? roundedUpInThousands(whole) : whole) + ")";
    }
}

} // namespace caldera
