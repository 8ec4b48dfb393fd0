// Artifacts that another program wrote, whose codes mean something else here.
#include <gtest/gtest.h>

#include "core/artifact/manifest.h"
#include "core/base/file.h"
#include "core/runtime/engine.h"
#include "tests/support/code_of.h"
#include "tests/support/tiny_model.h"

namespace caldera {
namespace {

TEST(ForeignArtifact, IsNotRunWithOtherTables) {
    const test::TinyModel tiny;
    Manifest manifest = readManifest(tiny.folder());
    ASSERT_FALSE(manifest.codecTables.empty());
    for (auto& [codec, hash] : manifest.codecTables) {
        const std::string own = hash;
        hash = std::string(64, '0');
        writeFileAtomically(tiny.folder() / "manifest.json", printManifest(manifest));
        EXPECT_EQ(test::codeOf(
                      [&] { Engine::open(Artifact::open(tiny.folder()), {.contextLength = 64}); }),
                  "artifact.codec-table")
            << codec;
        hash = own;
    }
}

TEST(ForeignArtifact, IsNotOpenedWithoutTheTablesOfItsCodecs) {
    const test::TinyModel tiny;
    const Manifest whole = readManifest(tiny.folder());
    for (const auto& [codec, hash] : whole.codecTables) {
        Manifest manifest = whole;
        manifest.codecTables.erase(codec);
        writeFileAtomically(tiny.folder() / "manifest.json", printManifest(manifest));
        EXPECT_EQ(test::codeOf([&] { Artifact::open(tiny.folder()); }), "artifact.codec-table")
            << codec;
    }
}

} // namespace
} // namespace caldera
