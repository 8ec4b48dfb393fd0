// The contract of a codec for Q: encode blocks of columns, decode, cost, an id that prints and
// parses. The CPU reference in kernels/ is the specification. Plain memory only, no Torch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/model/module.h"
#include "kernels/activation/activation.h"
#include "kernels/common/product.h"
#include "kernels/dense/dense.h"

namespace caldera {

/// A place in a matrix: column block `block`, rows from firstRow on.
struct BlockPosition {
    int64_t block = 0;
    int64_t firstRow = 0;
};

/// A packed matrix: codes of the whole of it in kernel order, value = scale of the row's group x
/// decoded.
struct CodedMatrix {
    std::span<const std::byte> codes;
    MatrixShape shape;
    std::span<const float> scale; ///< [groups of 16 rows]
};

/// Rows of a column block, and what their errors are weighed with.
struct WeighedBlock {
    std::span<const float> x;        ///< [rows, V] row-major, already divided by the scale
    std::span<const float> cholesky; ///< [V, V] lower factor of the block's metric, row-major
};

/// Immutable and thread-safe; encodeBlock may be called for different row ranges at once.
class Codec {
public:
    virtual ~Codec() = default;

    virtual std::string id() const = 0; ///< "e8p-2"
    /// SHA-256 of what codes are decoded with, in 64 hexadecimal digits.
    virtual std::string tableHash() const = 0;
    virtual int blockColumns() const = 0; ///< columns encoded together (feedback step of LDLQ)
    /// Rows encoded together: 1, or the 16 of a group. A block is blockRows x blockColumns weights.
    virtual int blockRows() const = 0;
    virtual double bitsPerWeight() const = 0; ///< of the codes alone
    /// RMS that the input should have after division by the scale (1.03 for e8p-2).
    virtual double inputRms() const = 0;
    /// Bytes of the codes of a matrix: rows padded to 16, columns to blockColumns().
    int64_t codeBytes(MatrixShape shape) const;
    /// Bytes of one block's codes.
    int64_t blockBytes() const;
    /// Where the codes of the block that begins at `position` lie in those of the whole matrix: by
    /// 16-row group, in it by column block, in it by row.
    int64_t blockOffset(MatrixShape shape, BlockPosition position) const;

    /// Encodes rows of one column block (columns [block * V, (block + 1) * V), V = blockColumns()).
    /// x       [rows, V] row-major, already divided by the scale; rows and position.firstRow are
    ///         multiples of 16 and end within the padded matrix
    /// codes   the whole matrix's codes in kernel order, codeBytes(shape) long
    /// decoded [rows, V] what decodeRows() will return for them
    virtual void encodeBlock(std::span<const float> x, MatrixShape shape, BlockPosition position,
                             std::span<std::byte> codes, std::span<float> decoded) const = 0;

    /// Whether encoding takes the metric inside a block into account.
    virtual bool usesMetric() const { return false; }
    /// encodeBlock() with the block's metric, for codecs that use it.
    virtual void encodeWeighed(const WeighedBlock& block, MatrixShape shape, BlockPosition position,
                               std::span<std::byte> codes, std::span<float> decoded) const {
        encodeBlock(block.x, shape, position, codes, decoded);
    }

    /// Codes to values before scaling, rows [firstRow, firstRow + rowCount), multiples of 16.
    /// out [rowCount, paddedColumns] row-major.
    virtual void decodeRows(std::span<const std::byte> codes, MatrixShape shape, int64_t firstRow,
                            int64_t rowCount, std::span<float> out) const = 0;

    /// y += Q x for every vector of the batch and the rows of the groups in the range, of which the
    /// first is row 0 of y. x holds the padded columns. Here: decoded group by group.
    virtual void multiply(const CodedMatrix& q, const kernels::InputBatch& batch,
                          kernels::GroupRange range) const;

    /// Whether multiplyIntegers() may be called.
    virtual bool takesIntegers() const { return false; }
    /// The same for inputs that are integers; an output depends on nothing but its row and vector.
    virtual void multiplyIntegers(const CodedMatrix& q, const kernels::QuantizedBatch& x,
                                  const kernels::OutputVectors& y, kernels::GroupRange range) const;

protected:
    /// Throw Error("codec.size") or Error("codec.shape") when sizes do not fit one another.
    void checkEncode(MatrixShape shape, BlockPosition position, std::span<const float> x,
                     size_t codes, size_t decoded) const;
    void checkDecode(MatrixShape shape, int64_t firstRow, int64_t rowCount, size_t codes,
                     size_t values) const;

private:
    void checkCodeSize(size_t bytes, MatrixShape shape) const;
    void checkRows(int64_t firstRow, int64_t rows, MatrixShape shape) const;
};

/// "e8p-2" -> codec; one object for each id. Throws Error("codec.unknown") naming the id and the
/// known ones.
std::shared_ptr<const Codec> makeCodec(const std::string& id);

/// Codec of the factors L [rows, rank] and R [rank, columns]: one scale per rank index, and codes
/// of single numbers or in the blocks of a codec for Q.
class FactorCodec {
public:
    virtual ~FactorCodec() = default;
    virtual std::string id() const = 0; ///< "lloyd-4", "none-16" or "trellis-v2k8m4"
    virtual double bits() const = 0;    ///< of a number's code
    /// Reconstruction levels for N(0,1), ascending; empty when codes are not numbers of levels.
    virtual std::span<const float> levels() const { return {}; }
    /// The codec whose blocks hold the codes; null when each number has a code of its own.
    virtual const Codec* blocks() const { return nullptr; }
    bool storesHalves() const { return levels().empty() && blocks() == nullptr; }

    /// Bytes of a factor's codes.
    virtual int64_t codeBytes(MatrixShape shape) const = 0;
    /// Values [rows, columns], already divided by the scales, to the nearest codes.
    virtual std::vector<std::byte> packValues(std::span<const float> values,
                                              MatrixShape shape) const = 0;
    /// Codes to values before scaling. out [rows, columns]. Throws Error("codec.size").
    virtual void decode(std::span<const std::byte> codes, MatrixShape shape,
                        std::span<float> out) const = 0;

protected:
    /// Throws Error("codec.size") naming `what` there is too little or too much of.
    void checkSize(const char* what, size_t found, int64_t needed) const;
};

/// "lloyd-4" -> codec. Throws Error("codec.unknown") naming the id and the known ones.
std::shared_ptr<const FactorCodec> makeFactorCodec(const std::string& id);

} // namespace caldera
