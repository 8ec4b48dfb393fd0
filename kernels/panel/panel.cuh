// The kernel of panel_cuda.h for any encoder of 16-row groups (trellis and E8P).
#pragma once

#include <cstdint>

#include "kernels/panel/panel_cuda.h"

namespace caldera::kernels::cuda {

constexpr int kGroupRows = 16;
constexpr int kRowsPerThread = 8;

/// One group's part of a panel. All columns are those of the panel.
template <class Encoder, bool kDescends>
class PanelPass {
public:
    static constexpr int kV = Encoder::kColumns;
    static_assert(Encoder::kThreads == kPanelColumns * kGroupRows / kRowsPerThread);

    struct Shared {
        typename Encoder::Shared encoder;
        float steering[kGroupRows][kPanelColumns];
        float target[kGroupRows][kPanelColumns];
        float values[kGroupRows][kPanelColumns];
        float scale[kGroupRows];
        float inverseScale[kGroupRows];
        float input[kGroupRows][kV];
        float change[kGroupRows];       ///< of the error, when a row's step is taken
        float step[kGroupRows][kV];     ///< descent: what would be added to Q
        float feedback[kGroupRows][kV]; ///< times coefficients: what is added to `steering`
    };

    __device__ PanelPass(const PanelTask& task, const typename Encoder::Table& table,
                         Shared& shared)
        : task_(task), shared_(shared), encoder_(table, shared.encoder),
          thread_(static_cast<int>(threadIdx.x)), column_(thread_ % kPanelColumns),
          firstRow_(thread_ / kPanelColumns * kRowsPerThread) {}

    __device__ void run() {
        load();
        for (int block = static_cast<int>(task_.width) / kV - 1; block >= 0; --block) {
            const int first = block * kV;
            float coefficients[kV]; // on their way while the encoder works
#pragma unroll
            for (int j = 0; j < kV; ++j) {
                coefficients[j] =
                    column_ < first ? task_.coefficients[(first + j) * task_.width + column_] : 0;
            }
            if (thread_ < kGroupRows * kV) {
                setInput(block, thread_ / kV, thread_ % kV);
            }
            __syncthreads();
            encoder_.encode(shared_.input);
            if constexpr (kDescends) {
                weigh(first);
            }
            take(block);
            __syncthreads();
            spread(first, coefficients);
            __syncthreads();
        }
        writeBack();
    }

private:
    __device__ int64_t matrixRow(int row) const {
        return static_cast<int64_t>(blockIdx.x) * kGroupRows + row;
    }

    __device__ void load() {
        for (int row = firstRow_; row < firstRow_ + kRowsPerThread; ++row) {
            if (column_ < task_.width) {
                const int64_t at = matrixRow(row);
                shared_.steering[row][column_] = task_.steering[at * task_.width + column_];
                shared_.target[row][column_] = task_.target[at * task_.targetStride + column_];
                shared_.values[row][column_] =
                    kDescends ? task_.values[at * task_.valuesStride + column_] : 0;
            }
        }
        if (thread_ < kGroupRows) {
            const float scale = task_.scale[matrixRow(thread_)];
            shared_.scale[thread_] = scale;
            shared_.inverseScale[thread_] = scale > 0 ? 1 / scale : 0;
        }
        __syncthreads();
    }

    __device__ void setInput(int block, int row, int j) {
        const int first = block * kV;
        float x = shared_.steering[row][first + j];
        if constexpr (kDescends) {
            x = shared_.values[row][first + j] * shared_.scale[row];
            for (int i = 0; i < kV; ++i) {
                x = fmaf(shared_.steering[row][first + i],
                         task_.inverses[(block * kV + i) * kV + j], x);
            }
        }
        shared_.input[row][j] = x * shared_.inverseScale[row];
    }

    /// Steps to the decoded values, and what each row's would change in the error.
    __device__ void weigh(int first) {
        const int row = thread_ / kV;
        const int j = thread_ % kV;
        if (row < kGroupRows) {
            shared_.step[row][j] =
                (shared_.encoder.decoded[row][j] - shared_.values[row][first + j]) *
                shared_.scale[row];
        }
        __syncthreads();
        if (thread_ < kGroupRows) {
            float change = 0;
            for (int a = 0; a < kV; ++a) {
                float slope = -2 * shared_.steering[thread_][first + a];
                for (int b = 0; b < kV; ++b) {
                    slope = fmaf(shared_.step[thread_][b],
                                 task_.coefficients[(first + b) * task_.width + first + a], slope);
                }
                change = fmaf(shared_.step[thread_][a], slope, change);
            }
            shared_.change[thread_] = change;
        }
        __syncthreads();
    }

    __device__ bool accepts(int row) const {
        if constexpr (!kDescends) {
            return true;
        } else if constexpr (Encoder::kRowsAlone) {
            return shared_.change[row] < 0;
        } else {
            float change = 0;
            for (int i = 0; i < kGroupRows; ++i) {
                change += shared_.change[i];
            }
            return change < 0;
        }
    }

    /// Keeps values and codes of what is accepted.
    __device__ void take(int block) {
        const int row = thread_ / kV;
        const int j = thread_ % kV;
        const int column = block * kV + j;
        if (row < kGroupRows) {
            if constexpr (kDescends) {
                const bool accepted = accepts(row);
                shared_.feedback[row][j] = accepted ? -shared_.step[row][j] : 0;
                if (accepted) {
                    shared_.values[row][column] = shared_.encoder.decoded[row][j];
                }
            } else {
                const float value = shared_.encoder.decoded[row][j];
                shared_.values[row][column] = value;
                shared_.feedback[row][j] = shared_.target[row][column] - value * shared_.scale[row];
            }
        }
        if (Encoder::kRowsAlone || accepts(0)) {
            const int64_t group =
                static_cast<int64_t>(blockIdx.x) * task_.blocks + task_.firstBlock + block;
            encoder_.store(task_.codes + group * Encoder::kGroupBytes,
                           [this](int each) { return accepts(each); });
        }
    }

    /// What was taken steers the blocks before it.
    __device__ void spread(int first, const float* coefficients) {
        if (column_ < first) {
#pragma unroll
            for (int i = 0; i < kRowsPerThread; ++i) {
                const int row = firstRow_ + i;
                float sum = shared_.steering[row][column_];
#pragma unroll
                for (int j = 0; j < kV; ++j) {
                    sum = fmaf(shared_.feedback[row][j], coefficients[j], sum);
                }
                shared_.steering[row][column_] = sum;
            }
        }
    }

    __device__ void writeBack() {
        for (int row = firstRow_; row < firstRow_ + kRowsPerThread; ++row) {
            if (column_ < task_.width) {
                const int64_t at = matrixRow(row);
                const float value = shared_.values[row][column_];
                task_.values[at * task_.valuesStride + column_] = value;
                task_.error[at * task_.errorStride + column_] =
                    shared_.target[row][column_] - value * shared_.scale[row];
            }
        }
    }

    const PanelTask& task_;
    Shared& shared_;
    Encoder encoder_;
    int thread_;
    int column_;
    int firstRow_;
};

template <class Encoder, bool kDescends>
__global__ void __launch_bounds__(Encoder::kThreads, Encoder::kBlocksTogether)
    panelKernel(const __grid_constant__ PanelTask task,
                const __grid_constant__ typename Encoder::Table table) {
    __shared__ typename PanelPass<Encoder, kDescends>::Shared shared;
    PanelPass<Encoder, kDescends>(task, table, shared).run();
}

} // namespace caldera::kernels::cuda
