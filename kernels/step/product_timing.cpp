#include "kernels/step/product_timing.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <random>

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include "kernels/common/copy_speed.h"
#include "kernels/common/cuda_graph.h"
#include "kernels/hadamard/hadamard.h"
#include "kernels/step/program.h"

namespace caldera::kernels::cuda {
namespace {

/// What a launch begins with, 3 to 12 us, is shared by as many as keep it below a hundredth; a step
/// of a model has some hundred products.
constexpr int kLeastMatrices = 40;
constexpr int kMostMatrices = 1024;       ///< each has three phases in the GPU's memory
constexpr double kCacheBytes = 256 << 20; ///< more than any GPU's second-level cache
constexpr int kReplays = 21;
constexpr int kBackToBack = 8; ///< replays of a sample, so that only the first one is waited for
constexpr uint16_t kHalfOne = 0x3C00;

/// Median seconds of a replay of what `launch` puts on a stream.
double replaySeconds(const std::function<void(cudaStream_t)>& launch) {
    constexpr const char* kDoing = "Timing products";
    require(cudaStreamSynchronize(nullptr), kDoing); // what the products read may be on its way
    const CudaStreamHandle stream = makeCudaStream(kDoing);
    launch(stream.get()); // once before: what is made at first use cannot be captured
    require(cudaStreamSynchronize(stream.get()), kDoing);
    const CudaGraphHandle replay =
        captureGraph(stream.get(), kDoing, [&] { launch(stream.get()); });
    const auto launchAll = [&] {
        for (int i = 0; i < kBackToBack; ++i) {
            require(cudaGraphLaunch(replay.get(), stream.get()), kDoing);
        }
    };
    return medianSeconds(stream.get(), kReplays, kDoing, launchAll) / kBackToBack;
}

std::vector<uint8_t> randomBytes(size_t count) {
    std::mt19937 random(1);
    std::vector<uint8_t> bytes(count);
    for (uint8_t& byte : bytes) {
        byte = static_cast<uint8_t>(random());
    }
    return bytes;
}

/// Everything that products need, with several sets of matrices.
class Products {
public:
    Products(const ProductShape& shape, int64_t aheadBytes)
        : shape_(shape), program_(shape.sequences, shape.activationBits, 1e-6F),
          signs_(std::vector<uint16_t>(static_cast<size_t>(std::max(mostRows(), shape.columns)),
                                       kHalfOne)),
          scale_(std::vector<float>(static_cast<size_t>(mostRows() / 16 + 1), 0.01F)),
          factorScale_(std::vector<float>(static_cast<size_t>(std::max(shape.rank, 1)), 0.01F)),
          x_(std::vector<uint16_t>(static_cast<size_t>(shape.columns), kHalfOne)),
          state_(std::vector<StepState>(1, stateOf(shape.sequences))) {
        const auto memory = static_cast<size_t>(setBytes());
        count_ =
            std::clamp(static_cast<int>(kCacheBytes / memory) + 1, kLeastMatrices, kMostMatrices);
        codes_ = DeviceMemory<uint8_t>(memory * static_cast<size_t>(count_) + kCodesBeyond);
        const std::vector<uint8_t> bytes = randomBytes(memory);
        for (int i = 0; i < count_; ++i) {
            require(cudaMemcpy(codes_.data() + static_cast<size_t>(i) * memory, bytes.data(),
                               memory, cudaMemcpyHostToDevice),
                    "Copying matrices");
            add(i);
        }
        program_.seal(aheadBytes);
    }

    int count() const { return count_; }
    double bytes() const {
        const int64_t scales = allRows() / 16 + shape_.rank; // fp16
        return static_cast<double>(setBytes()) + 2.0 * static_cast<double>(scales);
    }
    void run(cudaStream_t stream) const {
        program_.run(state_.data(), shape_.sequences, program_.phaseCount(), stream);
    }

private:
    static StepState stateOf(int sequences) {
        StepState state;
        state.count = sequences;
        return state;
    }
    int64_t mostRows() const { return *std::max_element(shape_.rows.begin(), shape_.rows.end()); }
    int64_t allRows() const {
        return std::accumulate(shape_.rows.begin(), shape_.rows.end(), int64_t{0});
    }
    static int64_t aligned(int64_t bytes) { return (bytes + 63) / 64 * 64; }
    int64_t codeBytes(int64_t rows) const {
        return aligned((rows + 15) / 16 * (shape_.columns / shape_.code->columns) *
                       shape_.code->groupBytes);
    }
    int64_t factorBytes(int64_t rows) const { return aligned(rows * shape_.rank / 2); }
    int64_t setBytes() const {
        int64_t bytes = 0;
        for (const int64_t rows : shape_.rows) {
            bytes += codeBytes(rows) + factorBytes(rows) +
                     aligned(shape_.rank * (shape_.columns + 1) / 2);
        }
        return bytes;
    }

    StepGroup groupOf(int set) const {
        StepGroup group;
        group.columns = static_cast<int>(shape_.columns);
        group.inSign = signs_.data();
        group.inBlock = static_cast<int>(hadamardBlock(shape_.columns));
        const uint8_t* next = codes_.data() + static_cast<int64_t>(set) * setBytes();
        for (const int64_t rows : shape_.rows) {
            StepLinear linear;
            linear.code = shape_.code;
            linear.rows = static_cast<int>(rows);
            linear.columns = group.columns;
            linear.codes = next;
            next += codeBytes(rows);
            linear.scale = scale_.data();
            linear.outSign = signs_.data();
            linear.outBlock = static_cast<int>(hadamardBlock(rows));
            linear.rank = shape_.rank;
            linear.left.codes = next;
            next += factorBytes(rows);
            linear.right.codes = next;
            next += aligned(shape_.rank * (shape_.columns + 1) / 2);
            linear.factorScale = factorScale_.data();
            group.members.push_back(linear);
        }
        return group;
    }

    /// 16-bit x to the quantized input, the products, and y.
    void add(int set) {
        const StepGroup group = groupOf(set);
        const StepInput input = program_.inputOf(group, StepRole::Qkv);
        if (hidden_ == nullptr) {
            hidden_ = program_.floats(shape_.sequences * shape_.columns);
            values_ = program_.floats(shape_.sequences * allRows());
        }
        EmbedPhase embed;
        embed.storage = StepStorage::Float16;
        embed.columns = group.columns;
        embed.rows = reinterpret_cast<const uint8_t*>(x_.data());
        embed.hidden = hidden_;
        embed.next = input;
        program_.embed(embed);
        FinishPhase finish;
        float* values = values_;
        for (StepResult& result : program_.multiply(group, input)) {
            result.values = values;
            values += static_cast<int64_t>(shape_.sequences) * result.rows;
            finish.results[finish.resultCount++] = result;
        }
        program_.finish(finish, group, input);
    }

    const ProductShape& shape_;
    StepProgram program_;
    int count_ = 0;
    DeviceMemory<uint8_t> codes_;
    DeviceMemory<uint16_t> signs_;
    DeviceMemory<float> scale_;
    DeviceMemory<float> factorScale_;
    DeviceMemory<uint16_t> x_;
    DeviceMemory<StepState> state_;
    float* hidden_ = nullptr;
    float* values_ = nullptr;
};

class Blas {
public:
    Blas() {
        if (cublasCreate(&handle_) != CUBLAS_STATUS_SUCCESS) {
            throw KernelError("cuBLAS could not be started on the GPU.");
        }
    }
    ~Blas() { cublasDestroy(handle_); }
    Blas(const Blas&) = delete;
    Blas& operator=(const Blas&) = delete;

    cublasHandle_t on(cudaStream_t stream) const {
        check(cublasSetStream(handle_, stream));
        check(cublasSetWorkspace(handle_, workspace_.data(), workspace_.size()));
        return handle_;
    }
    static void check(cublasStatus_t status) {
        if (status != CUBLAS_STATUS_SUCCESS) {
            throw KernelError("cuBLAS failed on the GPU.");
        }
    }

private:
    cublasHandle_t handle_ = nullptr;
    DeviceMemory<uint8_t> workspace_{32 << 20}; ///< its own cannot be taken inside a graph
};

/// fp16 numbers of one size and either sign: with zeros a GPU draws less power and is faster.
DeviceMemory<uint16_t> randomHalves(size_t count) {
    constexpr const char* kDoing = "Filling a matrix";
    constexpr size_t kPattern = size_t{1} << 22;
    std::mt19937 random(2);
    std::vector<uint16_t> pattern(std::min(count, kPattern));
    for (uint16_t& half : pattern) {
        half = static_cast<uint16_t>((random() & 0x83FF) | 0x2C00); // 1/16 to 1/8
    }
    DeviceMemory<uint16_t> memory(count);
    for (size_t first = 0; first < count; first += pattern.size()) {
        const size_t size = std::min(pattern.size(), count - first) * sizeof(uint16_t);
        require(cudaMemcpy(memory.data() + first, pattern.data(), size, cudaMemcpyHostToDevice),
                kDoing);
    }
    return memory;
}

} // namespace

ProductTiming timeProduct(const ProductShape& shape, int64_t aheadBytes) {
    ProductTiming timing;
    {
        const Products products(shape, aheadBytes);
        timing.matrices = products.count();
        timing.bytes = products.bytes();
        timing.microseconds = replaySeconds([&](cudaStream_t stream) { products.run(stream); }) *
                              1e6 / products.count();
    }
    timing.denseMicroseconds = timeDenseProduct(shape);
    timing.copyBytesPerSecond = deviceCopySpeed();
    return timing;
}

double timeDenseProduct(const ProductShape& shape) {
    const int64_t rows = std::accumulate(shape.rows.begin(), shape.rows.end(), int64_t{0});
    const int64_t size = rows * shape.columns;
    const int count = std::clamp(
        static_cast<int>(kCacheBytes / (2.0 * static_cast<double>(size))) + 1, 2, kMostMatrices);
    const auto matrices = randomHalves(static_cast<size_t>(size) * static_cast<size_t>(count));
    const auto x = randomHalves(static_cast<size_t>(shape.columns * shape.sequences));
    const DeviceMemory<uint16_t> y(static_cast<size_t>(rows * shape.sequences));
    const Blas blas;
    const double seconds = replaySeconds([&](cudaStream_t stream) {
        const float one = 1;
        const float zero = 0;
        const cublasHandle_t handle = blas.on(stream);
        for (int i = 0; i < count; ++i) {
            Blas::check(cublasGemmEx(
                handle, CUBLAS_OP_T, CUBLAS_OP_N, static_cast<int>(rows), shape.sequences,
                static_cast<int>(shape.columns), &one, matrices.data() + i * size, CUDA_R_16F,
                static_cast<int>(shape.columns), x.data(), CUDA_R_16F,
                static_cast<int>(shape.columns), &zero, y.data(), CUDA_R_16F,
                static_cast<int>(rows), CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
        }
    });
    return seconds * 1e6 / count;
}

} // namespace caldera::kernels::cuda
