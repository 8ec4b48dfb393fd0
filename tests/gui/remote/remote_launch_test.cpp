#include "widgets/remote/remote_launch.h"

#include <gtest/gtest.h>

namespace caldera::studio {

using namespace Qt::StringLiterals;

TEST(RemoteLaunch, TellsCommandsToComputeOnTheGpuThatIsThere) {
    EXPECT_EQ(onGpu({u"compress"_s, u"model"_s}),
              (QStringList{u"compress"_s, u"model"_s, u"--device"_s, u"cuda"_s}));
    const QStringList decided{u"evaluate"_s, u"model"_s, u"--device"_s, u"cpu"_s};
    EXPECT_EQ(onGpu(decided), decided);
    const QStringList serve{u"serve"_s, u"artifact"_s}; // it looks for one by itself
    EXPECT_EQ(onGpu(serve), serve);
    const QStringList merge{u"merge"_s, u"a"_s, u"b"_s};
    EXPECT_EQ(onGpu(merge), merge);
}

} // namespace caldera::studio
