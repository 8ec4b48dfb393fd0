// The phases that end products: which of a vector's parts each block needs.
#include "kernels/step/program.h"
#include "kernels/step/program_sizes.h"

namespace caldera::kernels::cuda {
namespace {

/// Whether runFinish<true>() can have the phase.
bool isEven(const FinishPhase& phase) {
    const bool isLast = phase.kind == FinishKind::Values;
    bool all = isLast || (phase.next.isEven != 0 && isQuads(phase.hidden));
    // A thread has all of a row's rank where there are two results, else half of it.
    const int rankStep = phase.kind == FinishKind::SwiGlu ? 32 : 64;
    for (int i = 0; i < phase.resultCount; ++i) {
        const StepResult& result = phase.results[i];
        all = all && isEvenSize(result.rows, result.block) && isQuads(result.sign) &&
              isQuads(result.bias) && isQuads(result.rowScale) && isQuads(result.values) &&
              result.rank % rankStep == 0 &&
              (result.rank == 0 || (result.leftStorage == StepStorage::Lloyd4 &&
                                    reinterpret_cast<uintptr_t>(result.left) % 16 == 0));
    }
    return all;
}

EndVector endVector(const float* vector, int size) {
    return {vector, 4 * static_cast<int>(sizeof(float)), size};
}

EndVector endVector(const uint16_t* vector, int size) {
    return {vector, 4 * static_cast<int>(sizeof(uint16_t)), size};
}

/// Where blocks of results begin, and the vectors that end them.
void describeEnds(FinishPhase& phase) {
    const bool isPair = phase.kind == FinishKind::SwiGlu;
    for (int i = 0; i < phase.resultCount; ++i) {
        const StepResult& result = phase.results[i];
        EndVector* ends = phase.ends + i * kEndsOfResult;
        ends[kEndSign] = endVector(result.sign, result.rows);
        ends[kEndRowScale] = endVector(result.rowScale, result.rows);
        ends[kEndBias] = endVector(result.bias, result.rows);
        phase.firstBlock[i] = isPair ? 0 : phase.blocks;
        phase.blocks = phase.firstBlock[i] + blocksOf(result.rows);
    }
    for (int i = isPair ? 1 : phase.resultCount; i < 3; ++i) {
        phase.firstBlock[i] = phase.blocks; // none
    }
    if (phase.kind != FinishKind::Values) {
        phase.ends[kEndNorm] = endVector(phase.next.norm, phase.next.size);
        phase.ends[kEndNextSign] = endVector(phase.next.sign, phase.next.size);
    }
    if (phase.kind == FinishKind::Residual) {
        phase.ends[kEndHidden] = endVector(phase.hidden, phase.results[0].rows);
    }
}

} // namespace

void StepProgram::finish(FinishPhase phase, const StepGroup& group, const StepInput& input) {
    phase.inverseRms = factsOf(group, input).inverseRms;
    describeEnds(phase);
    StepPhase& added = add(PhaseKind::Finish);
    added.finish = phase;
    added.isEven = isEven(phase) ? 1 : 0;
    added.finish.isBatched = added.isEven != 0 && sharedBytes_ == stepSharedLimit() ? 1 : 0;
}

} // namespace caldera::kernels::cuda
