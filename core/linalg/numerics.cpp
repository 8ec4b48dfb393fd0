#include "core/linalg/numerics.h"

#include <cstdlib>
#include <dlfcn.h>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include "core/base/machine.h"

namespace caldera {

namespace {

/// OpenBLAS keeps a thread count of its own, which LibTorch does not set.
void setBlasThreads(int threads) {
    using Setter = void (*)(int);
    const auto set = reinterpret_cast<Setter>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    if (set != nullptr) {
        set(threads);
    }
}

} // namespace

void fixNumerics(int threads) {
    const int count = threads > 0 ? threads : usualThreads();
    at::set_num_threads(count);
    setBlasThreads(count);
    at::globalContext().setDeterministicAlgorithms(true, true);
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
    // Whatever at::empty returns is written here before it is read; filling gigabytes takes
    // seconds.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
#endif
    ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0); // without it cuBLAS may differ run by run
    // Matrices of gigabytes in changing sizes leave gaps of gigabytes in segments of fixed size.
    ::setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True", 0);
}

std::string numericsName() {
    const char* core = std::getenv("OPENBLAS_CORETYPE");
    return std::to_string(at::get_num_threads()) + " threads, " +
           (core != nullptr ? core : "BLAS kernels of its own choice");
}

void pinBlasKernels(char** argv) {
#if defined(__x86_64__)
    if (std::getenv("OPENBLAS_CORETYPE") != nullptr) {
        return;
    }
    const char* core = nullptr;
    if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
        core = "SkylakeX";
    } else if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) {
        core = "Haswell";
    }
    if (core != nullptr && ::setenv("OPENBLAS_CORETYPE", core, 0) == 0) {
        ::setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16", 0);
        // Threads that wait for work spin for milliseconds by default, which on a busy machine
        // takes the cores from the threads that have some (docs/decisions/0032).
        ::setenv("GOMP_SPINCOUNT", "10000", 0);
        ::execv("/proc/self/exe", argv); // returns only when it failed: then the slow kernels serve
    }
#else
    (void)argv;
#endif
}

BuildFacts buildFacts() {
    BuildFacts facts;
    facts.torch = TORCH_VERSION;
#ifdef CALDERA_CUDA
    facts.cudaKernels = true;
#endif
    facts.cudaDevice = torch::cuda::is_available();
    return facts;
}

} // namespace caldera
