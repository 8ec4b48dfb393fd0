// Ends of products that are the next product's input: residuals and SwiGLU. Sizes in whole blocks
// of 128 with ranks in whole dozens of threads go another way than the others, and several
// sequences yet another.
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "tests/kernels/step_fixture.h"

using namespace caldera::kernels;
using namespace caldera::kernels::cuda;

namespace {

struct EndCase {
    int size, rank, bits, sequences;
};

std::string nameOf(const testing::TestParamInfo<EndCase>& given) {
    const EndCase& each = given.param;
    return "n" + std::to_string(each.size) + "r" + std::to_string(each.rank) + "b" +
           std::to_string(each.bits) + "s" + std::to_string(each.sequences);
}

std::vector<float> partOf(const std::vector<float>& all, int part, int size) {
    const auto first = all.begin() + static_cast<int64_t>(part) * size;
    return {first, first + size};
}

/// What is left of an input that is rounded: to 8 bits, a value between two codes may fall to
/// either, since processors and GPUs add in other orders.
float allowedAfter(const EndCase& given) {
    return given.bits == 16 ? 3e-4F : 1e-2F;
}

} // namespace

class CudaStepResiduals : public CudaStep, public testing::WithParamInterface<EndCase> {};

TEST_P(CudaStepResiduals, AreNormalisedForTheNextProducts) {
    const auto [size, rank, bits, sequences] = GetParam();
    const int rows = 192;
    const TestLinear first(*stepCode("trellis-v4k8m4"), size, size, rank, 11);
    const TestLinear second(*stepCode("trellis-v4k8m4"), rows, size, 0, 12);
    const std::vector<float> norm = randomNormal(size, 1, 13);
    const std::vector<float> inSign = randomSigns(size, 14);
    const std::vector<float> x = inputsOf(sequences, size);
    const auto block = static_cast<int>(hadamardBlock(size));

    StepProgram program(sequences, bits, kEpsilon);
    const uint16_t* sign = arrays_.upload(toHalf(inSign));
    const StepGroup o{{first.upload(arrays_)}, size, sign, block, nullptr};
    const StepGroup gate{{second.upload(arrays_)}, size, sign, block, arrays_.upload(norm)};
    const StepInput oInput = program.inputOf(o, StepRole::O);
    const StepInput gateInput = program.inputOf(gate, StepRole::GateUp);
    const EmbedPhase embed = embedOf(x, size, sequences, program, oInput);
    program.embed(embed);
    FinishPhase residual;
    residual.kind = FinishKind::Residual;
    residual.results[residual.resultCount++] = program.multiply(o, oInput).front();
    residual.hidden = embed.hidden;
    residual.next = gateInput;
    program.finish(residual, o, oInput);
    FinishPhase last;
    last.results[last.resultCount++] = program.multiply(gate, gateInput).front();
    last.results[0].values = program.floats(static_cast<int64_t>(sequences) * rows);
    program.finish(last, gate, gateInput);
    run(program, stateOf(sequences));

    const auto gotHidden = download(embed.hidden, static_cast<size_t>(sequences) * size);
    const auto got = download(last.results[0].values, static_cast<size_t>(sequences) * rows);
    for (int sequence = 0; sequence < sequences; ++sequence) {
        const std::string what = "sequence " + std::to_string(sequence);
        const std::vector<float> own = partOf(x, sequence, size);
        std::vector<float> hidden = first.apply(quantized(rotated(own, inSign), bits));
        double squares = 0;
        for (size_t i = 0; i < hidden.size(); ++i) {
            hidden[i] += own[i];
            squares += std::pow(hidden[i], 2);
        }
        expectNear(partOf(gotHidden, sequence, size), hidden, 1e-4F, "hidden of " + what);
        const auto rms = static_cast<float>(std::sqrt(squares / size + kEpsilon));
        for (size_t i = 0; i < hidden.size(); ++i) {
            hidden[i] *= norm[i] / rms;
        }
        expectNear(partOf(got, sequence, rows),
                   second.apply(quantized(rotated(hidden, inSign), bits)), allowedAfter(GetParam()),
                   "after the norm, " + what);
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, CudaStepResiduals,
                         testing::Values(EndCase{576, 16, 16, 1}, EndCase{576, 16, 8, 3},
                                         EndCase{1024, 64, 16, 2}, EndCase{1024, 0, 8, 1},
                                         EndCase{1024, 64, 8, 1}, EndCase{1024, 64, 8, 5},
                                         EndCase{4352, 128, 8, 8}, EndCase{4352, 64, 8, 16}),
                         nameOf);

class CudaStepGates : public CudaStep, public testing::WithParamInterface<EndCase> {};

TEST_P(CudaStepGates, AreSwiGlu) {
    const auto [inner, rank, bits, sequences] = GetParam();
    const int size = 256;
    const int rows = 96;
    const TestLinear gate(*stepCode("trellis-v4k8m4"), inner, size, rank, 11);
    const TestLinear up(*stepCode("trellis-v4k8m4"), inner, size, rank, 12);
    const TestLinear down(*stepCode("trellis-v4k6m6"), rows, inner, 0, 13);
    const std::vector<float> inSign = randomSigns(size, 14);
    const std::vector<float> downSign = randomSigns(inner, 15);
    const std::vector<float> x =
        roundedToHalf(randomNormal(static_cast<int64_t>(sequences) * size, 0.3F, 16));

    StepProgram program(sequences, bits, kEpsilon);
    const StepGroup first{{gate.upload(arrays_), up.upload(arrays_)},
                          size,
                          arrays_.upload(toHalf(inSign)),
                          128,
                          nullptr};
    const StepGroup second{
        {down.upload(arrays_)}, inner, arrays_.upload(toHalf(downSign)), 128, nullptr};
    const StepInput input = program.inputOf(first, StepRole::GateUp);
    const StepInput downInput = program.inputOf(second, StepRole::Down);
    program.embed(embedOf(x, size, sequences, program, input));
    FinishPhase finish;
    finish.kind = FinishKind::SwiGlu;
    for (const StepResult& result : program.multiply(first, input)) {
        finish.results[finish.resultCount++] = result;
    }
    finish.next = downInput;
    program.finish(finish, first, input);
    FinishPhase last;
    last.results[last.resultCount++] = program.multiply(second, downInput).front();
    last.results[0].values = program.floats(static_cast<int64_t>(sequences) * rows);
    program.finish(last, second, downInput);
    run(program, stateOf(sequences));

    const auto got = download(last.results[0].values, static_cast<size_t>(sequences) * rows);
    for (int sequence = 0; sequence < sequences; ++sequence) {
        const std::vector<float> own = quantized(rotated(partOf(x, sequence, size), inSign), bits);
        std::vector<float> inside = gate.apply(own);
        const std::vector<float> other = up.apply(own);
        for (size_t i = 0; i < inside.size(); ++i) {
            inside[i] = inside[i] / (1 + std::exp(-inside[i])) * other[i];
        }
        expectNear(partOf(got, sequence, rows),
                   down.apply(quantized(rotated(inside, downSign), bits)), allowedAfter(GetParam()),
                   "after SwiGLU, sequence " + std::to_string(sequence));
    }
}

INSTANTIATE_TEST_SUITE_P(Sizes, CudaStepGates,
                         testing::Values(EndCase{640, 16, 16, 1}, EndCase{640, 64, 8, 1},
                                         EndCase{640, 32, 8, 5}, EndCase{640, 0, 16, 3},
                                         EndCase{4352, 64, 8, 8}, EndCase{4352, 32, 8, 16}),
                         nameOf);
