// Checks a panel's task and launches its kernel.
#pragma once

#include <string>

#include "kernels/common/launch.cuh"
#include "kernels/panel/panel.cuh"

namespace caldera::kernels::cuda {

template <class Encoder>
void checkPanel(const PanelTask& task) {
    if (task.rows % kGroupRows != 0 || task.width > kPanelColumns ||
        task.width % Encoder::kColumns != 0) {
        throw KernelError("panel: " + std::to_string(task.rows) + " x " +
                          std::to_string(task.width) + " was given; rows in groups of " +
                          std::to_string(kGroupRows) + " and blocks of " +
                          std::to_string(Encoder::kColumns) + " columns, at most " +
                          std::to_string(kPanelColumns) + ", were needed.");
    }
}

template <class Encoder, bool kDescends>
void runPanel(const PanelTask& task, const typename Encoder::Table& table, CudaStream stream) {
    checkPanel<Encoder>(task);
    if (task.rows == 0 || task.width == 0) {
        return;
    }
    panelKernel<Encoder, kDescends>
        <<<static_cast<unsigned>(task.rows / kGroupRows), Encoder::kThreads, 0, stream>>>(task,
                                                                                          table);
    checkLaunch(kDescends ? "panel descent" : "panel feedback");
}

} // namespace caldera::kernels::cuda
