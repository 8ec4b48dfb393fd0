// One place that fixes what results depend on besides the inputs: threads and BLAS kernels.
#pragma once

#include <string>

namespace caldera {

/// Sets the thread count of LibTorch (0: OMP_NUM_THREADS, or all cores of this process) and its
/// deterministic mode. Call at the start of a process, and again with what the user wants.
void fixNumerics(int threads = 0);

/// "2 threads, SkylakeX": what the last bits of a result depend on besides inputs and device.
std::string numericsName();

/// OpenBLAS takes new processors for old ones and runs at a fifth of its speed; its kernels are
/// chosen by OPENBLAS_CORETYPE before it loads. Sets the variable by CPUID and starts the program
/// again when it is not set; returns when nothing needs to change.
void pinBlasKernels(char** argv);

/// What this program was built with and found on this machine, for `--version` and reports.
struct BuildFacts {
    std::string torch;        ///< LibTorch version, "1.13.0"
    bool cudaKernels = false; ///< compiled with the CUDA kernels
    bool cudaDevice = false;  ///< LibTorch sees a usable GPU
};
BuildFacts buildFacts();

} // namespace caldera
