// 256 short points of the lattice E8, one byte for eight values.
#pragma once

#include <array>
#include <cstdint>

namespace caldera::kernels {

/// Entries 0 to 112: the integer points of squared norm 0 and 2, in ascending lexicographic order
/// (coordinate 0 first). 113 to 240: the points of +-1/2 with an even number of negative
/// coordinates, in the same order. 241 to 248: 2 at coordinate 0 ... 7. 249 to 255: -2 at
/// coordinate 0 ... 6.
class E8RootBook {
public:
    static const E8RootBook& instance();

    const std::array<float, 8>& point(uint8_t entry) const { return points_[entry]; }
    /// The nearest entry. Of equally near ones the origin wins, then two coordinates +-1, then all
    /// +-1/2, then one +-2; inside a kind, the first coordinates with the largest magnitudes.
    uint8_t nearest(const std::array<float, 8>& x) const;

private:
    E8RootBook();
    void addIntegers();
    void addHalves();
    void addDoubles();
    uint8_t pairEntry(int first, float x, int second, float y) const;

    int size_ = 0;
    std::array<std::array<float, 8>, 256> points_;
    std::array<uint8_t, 6561> integerEntry_; ///< by the sum of (v_j + 1) 3^(7 - j)
    std::array<uint8_t, 256> halfEntry_;     ///< by the bits of the negative coordinates
};

} // namespace caldera::kernels
