#include "app/cli/layers_option.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace caldera::cli {
namespace {

TEST(LayersOption, IsHalfOpenAndReadWhole) {
    EXPECT_EQ(parseLayers("4:8"), (LayerRange{4, 8}));
    EXPECT_EQ(layersText(parseLayers("4:8")), "4:8");
    for (const char* text :
         {"", ":", "4", "4:", ":8", "4-8", "4:8x", "a:b", "4:8:9", "99999999999:1"}) {
        EXPECT_THROW(parseLayers(text), UsageError) << text;
    }
}

} // namespace
} // namespace caldera::cli
