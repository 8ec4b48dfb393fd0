#include "core/codec/codec.h"

#include <cmath>
#include <cstring>

#include "core/base/error.h"
#include "core/codec/e8p_codec.h"

namespace caldera {

int64_t Codec::codeBytes(MatrixShape shape) const {
    const int64_t rows = padTo(shape.rows, kRowGroup);
    const int64_t columns = padTo(shape.columns, blockColumns());
    return std::llround(static_cast<double>(rows * columns) * bitsPerWeight() / 8);
}

int64_t Codec::blockBytes() const {
    return std::llround(blockRows() * blockColumns() * bitsPerWeight() / 8);
}

int64_t Codec::blockOffset(MatrixShape shape, BlockPosition position) const {
    const int64_t columnBlocks = padTo(shape.columns, blockColumns()) / blockColumns();
    const int64_t group = position.firstRow / kRowGroup;
    const int64_t row = position.firstRow % kRowGroup;
    return ((group * columnBlocks + position.block) * kRowGroup + row) / blockRows() * blockBytes();
}

std::shared_ptr<const Codec> makeCodec(const std::string& id) {
    if (id == "e8p-2") {
        return std::make_shared<E8pCodec>();
    }
    throw Error("codec.unknown",
                "There is no codec \"" + id + "\" for Q. Known: e8p-2. Change `bq` or `codec`.",
                {{"codec", id}, {"known", "e8p-2"}});
}

} // namespace caldera
