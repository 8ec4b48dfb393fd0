// Four products of bytes in each 32-bit lane, for every instruction set: included once for each by
// a file that Highway compiles for all of them.
#if defined(CALDERA_INTEGER_DOTS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef CALDERA_INTEGER_DOTS_INL_H
#undef CALDERA_INTEGER_DOTS_INL_H
#else
#define CALDERA_INTEGER_DOTS_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace caldera::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL
// Processors of this target have VNNI, but Highway does not tell the compiler.
template <class Raw>
HWY_INLINE Raw addByteDots(Raw sum, Raw weights, Raw inputs) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(weights), "vm"(inputs));
    return sum;
}
#endif

/// sum[lane] + the dot product of the lane's four unsigned bytes of weights and four signed bytes
/// of inputs, exactly.
template <class D, class V = hwy::HWY_NAMESPACE::Vec<D>>
HWY_INLINE V addDots(D d, V sum, V weights, V inputs) {
    namespace hn = hwy::HWY_NAMESPACE;
#if HWY_TARGET == HWY_AVX3_DL
    static_cast<void>(d);
    return V{addByteDots(sum.raw, weights.raw, inputs.raw)};
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
    const hn::Repartition<int16_t, D> pairs;
    const hn::RebindToUnsigned<decltype(pairs)> words;
    const auto evenInputs = hn::ShiftRight<8>(hn::ShiftLeft<8>(hn::BitCast(pairs, inputs)));
    const auto oddInputs = hn::ShiftRight<8>(hn::BitCast(pairs, inputs));
    const auto even = hn::And(hn::BitCast(pairs, weights), hn::Set(pairs, 0xFF));
    const auto odd = hn::BitCast(pairs, hn::ShiftRight<8>(hn::BitCast(words, weights)));
    V unused = hn::Zero(d);
    sum = hn::ReorderWidenMulAccumulate(d, even, evenInputs, sum, unused);
    return hn::ReorderWidenMulAccumulate(d, odd, oddInputs, sum, unused);
#else
    const hn::RebindToUnsigned<D> du;
    const auto bits = hn::BitCast(du, weights);
    const auto byte = hn::Set(du, 0xFF);
    const auto add = [&](auto weight, V input) {
        sum = hn::Add(sum, hn::Mul(hn::BitCast(d, weight), hn::ShiftRight<24>(input)));
    };
    add(hn::And(bits, byte), hn::ShiftLeft<24>(inputs));
    add(hn::And(hn::ShiftRight<8>(bits), byte), hn::ShiftLeft<16>(inputs));
    add(hn::And(hn::ShiftRight<16>(bits), byte), hn::ShiftLeft<8>(inputs));
    add(hn::ShiftRight<24>(bits), inputs);
    return sum;
#endif
}

} // namespace caldera::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
