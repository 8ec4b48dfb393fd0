#include <type_traits>

#include "kernels/panel/launch.cuh"
#include "kernels/trellis/shapes.cuh"

namespace caldera::kernels::cuda {

void trellisFeedback(const TrellisCode& code, const PanelTask& task, CudaStream stream) {
    withSearch(code, [&](auto* search) {
        using Search = std::remove_pointer_t<decltype(search)>;
        runPanel<Search, false>(task, deviceTable(code), stream);
    });
}

void trellisDescent(const TrellisCode& code, const PanelTask& task, CudaStream stream) {
    withSearch(code, [&](auto* search) {
        using Search = std::remove_pointer_t<decltype(search)>;
        runPanel<Search, true>(task, deviceTable(code), stream);
    });
}

} // namespace caldera::kernels::cuda
