#include <algorithm>

#include <cuda_runtime.h>

#include "kernels/step/program.h"

namespace caldera::kernels::cuda {

StepProgram::Cut StepProgram::cutOf(int sequences, int phaseCount) const {
    const bool isBatched = sequences >= kStepLeastBatch && isBatching();
    // Tables have a product in the kernel for several vectors only: in that for one, all else would
    // be slower by an eighth.
    return {isBatched, isBatched ? phaseCount : std::min(phaseCount, tablePhase_)};
}

void StepProgram::run(const StepState* state, int sequences, int phaseCount, CudaStream stream,
                      int64_t* clocks) const {
    const Cut cut = cutOf(sequences, phaseCount);
    StepLaunch launch;
    launch.state = state;
    launch.totals = totals_.data();
    launch.totalCount = totalCount_;
    launch.sharedBytes = sharedBytes_;
    launch.isBatched = cut.isBatched;
    launch.phases = sealed_.data();
    launch.phaseCount = cut.place;
    launch.clocks = clocks;
    runStep(launch, stream);
    if (cut.place < phaseCount) {
        launch.isBatched = true;
        launch.phases += cut.place;
        launch.phaseCount = phaseCount - cut.place;
        launch.clocks = clocks != nullptr ? clocks + cut.place + 1 : nullptr;
        runStep(launch, stream);
    }
}

std::vector<int64_t> StepProgram::phaseClocks(const StepState* state, int sequences,
                                              CudaStream stream) const {
    constexpr const char* kDoing = "Timing the step's phases";
    const auto count = static_cast<size_t>(phaseCount());
    std::vector<int64_t> marks(count + 2); // each of two launches marks its end
    const DeviceMemory<int64_t> clocks(marks.size());
    run(state, sequences, phaseCount(), stream, clocks.data());
    require(cudaStreamSynchronize(stream), kDoing);
    require(cudaMemcpy(marks.data(), clocks.data(), clocks.bytes(), cudaMemcpyDeviceToHost),
            kDoing);
    const auto cut = static_cast<size_t>(cutOf(sequences, phaseCount()).place);
    std::vector<int64_t> spent(count);
    for (size_t i = 0; i < count; ++i) {
        const size_t mark = i < cut ? i : i + 1;
        spent[i] = marks[mark + 1] - marks[mark];
    }
    return spent;
}

} // namespace caldera::kernels::cuda
