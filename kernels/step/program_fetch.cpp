// What a step fetches before it needs it: the small things that end products, the first codes of
// the next ones.
#include "kernels/step/program.h"

#include <algorithm>

namespace caldera::kernels::cuda {

namespace {

template <class Value>
void add(const Value* values, int64_t count, std::vector<StepAhead>& all) {
    if (values != nullptr && count > 0) {
        all.push_back({values, static_cast<int32_t>(count * static_cast<int64_t>(sizeof(Value)))});
    }
}

/// What ends a product: factors L, scales, signs, biases, norms.
void addSmall(const FinishPhase& phase, std::vector<StepAhead>& all) {
    for (int i = 0; i < phase.resultCount; ++i) {
        const StepResult& result = phase.results[i];
        if (result.leftStorage == StepStorage::Lloyd4) {
            add(result.left, static_cast<int64_t>(result.rows) * result.rank / 2, all);
        }
        add(result.scale, result.paddedRows / kTrellisRows, all);
        add(result.sign, result.rows, all);
        add(result.bias, result.rows, all);
        add(result.factorScale, result.rank, all);
    }
    add(phase.next.norm, phase.next.size, all);
    add(phase.next.sign, phase.next.size, all);
}

/// R and the beginning of the codes of a phase, as many bytes as there is room for.
void addCodes(const ProductPhase& phase, int64_t room, std::vector<StepAhead>& ahead) {
    const StepCode& code = stepCodes()[static_cast<size_t>(phase.code)];
    for (int i = phase.productCount - 1; i >= 0; --i) { // factors first
        const StepProduct& product = phase.products[i];
        if (room > 0 &&
            (product.storage == StepStorage::Lloyd4 || product.storage == StepStorage::Coded)) {
            const int64_t bytes =
                product.storage == StepStorage::Lloyd4
                    ? static_cast<int64_t>(product.rows) * ((product.columns + 1) / 2)
                    : static_cast<int64_t>(product.groups) * product.columns / code.columns *
                          code.groupBytes;
            ahead.push_back({product.codes, static_cast<int32_t>(std::min(room, bytes))});
            room -= ahead.back().count;
        }
    }
}

} // namespace

void StepProgram::seal(int64_t aheadBytes) {
    const StepPhase* finish = nullptr;   // of the products before it
    const StepPhase* products = nullptr; // the first after that
    for (auto phase = phases_.rbegin(); phase != phases_.rend(); ++phase) {
        if (phase->kind == PhaseKind::Finish) {
            finish = &*phase;
        }
        if (phase->kind != PhaseKind::Product) {
            continue;
        }
        if (phase->barrier != 0) {
            std::vector<StepAhead> soon;
            if (finish != nullptr) {
                addSmall(finish->finish, soon);
            }
            std::copy_n(soon.begin(), std::min<size_t>(soon.size(), kStepSoon), phase->soon);
            std::vector<StepAhead> ahead;
            if (products != nullptr) {
                addCodes(products->product, aheadBytes, ahead);
            }
            std::copy_n(ahead.begin(), std::min<size_t>(ahead.size(), kStepAhead), phase->ahead);
        }
        products = &*phase;
    }
    sealed_ = DeviceMemory<StepPhase>(phases_);
    totals_ = DeviceMemory<int64_t>(static_cast<size_t>(totalCount_));
}

} // namespace caldera::kernels::cuda
