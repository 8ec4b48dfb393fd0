#include "kernels/e8p/search.cuh"
#include "kernels/panel/launch.cuh"

namespace caldera::kernels::cuda {

void e8pFeedback(const PanelTask& task, CudaStream stream) {
    runPanel<E8pSearch, false>(task, e8pDeviceTable(), stream);
}

void e8pDescent(const PanelTask& task, CudaStream stream) {
    runPanel<E8pSearch, true>(task, e8pDeviceTable(), stream);
}

} // namespace caldera::kernels::cuda
