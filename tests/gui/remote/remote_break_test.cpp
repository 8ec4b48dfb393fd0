// A first start whose connection breaks at each of its commands in turn, from the first look at the
// host to the last file of the result.
#include <filesystem>
#include <fstream>

#include <QSet>
#include <QTest>

#include <gtest/gtest.h>

#include "core/base/file.h"
#include "tests/gui/remote/remote_service.h"
#include "tests/gui/remote/small_bundle.h"
#include "tests/support/fake_hub.h"

namespace caldera::studio {
namespace {

using namespace Qt::StringLiterals;
namespace fs = std::filesystem;

constexpr int kPatience = 240'000;
constexpr int kLookEvery = 200; // ms

/// In the place of ssh. Each connection gets one command further than the one before: at that one
/// the host's sessions are killed, before it begins or while it is at work, in turn.
constexpr auto kBreakingSsh = R"(#!/bin/sh
case " $* " in
*" -M "*) echo 0 >"$AT/asked"; exec "$SSH" "$@" ;;
*" -O "*) exec "$SSH" "$@" ;;
esac
exec 3<&0 9>"$AT/lock"
flock 9
asked=$(($(cat "$AT/asked") + 1))
echo $asked >"$AT/asked"
drop() { kill -9 $(ps -o pid= --ppid $SSHD); }
if [ $asked -le $(cat "$AT/broken") ]; then
    flock -u 9
    exec "$SSH" "$@" 9>&-
fi
echo $asked >"$AT/broken"
printf '%s %s\n' $asked "$*" >>"$AT/breaks"
if [ $((asked % 2)) = 0 ]; then
    drop
    exec "$SSH" "$@" 9>&-
fi
"$SSH" "$@" <&3 9>&- &
sleep 0.05
drop
wait $!
)";

class RemoteBreakTest : public RemoteServiceTest {
protected:
    RemoteBreakTest() : RemoteServiceTest(kPatience) {}
    void SetUp() override {
        fs::create_directories(at() / "bin");
        std::ofstream(at() / "broken") << 0 << '\n';
        std::ofstream(at() / "bin/ssh") << kBreakingSsh;
        fs::permissions(at() / "bin/ssh", fs::perms::owner_all);
        qputenv("SSH", QStandardPaths::findExecutable(u"ssh"_s).toUtf8());
        qputenv("AT", at().c_str());
        qputenv("SSHD", QByteArray::number(server_.processId()));
        qputenv("PATH", QByteArray::fromStdString(at() / "bin") + ':' + path_);
        makeService();
        QObject::connect(service_.get(), &JobService::jobChanged, service_.get(),
                         [this](const QString& id) { phases_.insert(service_->job(id).phase); });
        awaitService();
    }
    void TearDown() override {
        service_.reset();
        qputenv("PATH", path_);
    }
    /// Of the breaking network.
    fs::path at() const { return server_.folder().toStdString() + "/breaks"; }

    const QByteArray path_ = qgetenv("PATH");
    QSet<QString> phases_;
};

TEST_F(RemoteBreakTest, AFirstStartGetsOnWhereverTheConnectionBreaks) {
    const std::string demo = CALDERA_SOURCE_DIR "/resources/demo-model";
    const caldera::test::FakeHub hub(demo, "Owner/demo", "token");
    service_->pods().setHub({QString::fromStdString(hub.url()), "token"});
    Target target = server_.target();
    target.bundle = packSmallBundle(server_.folder(), u"worker"_s).archive;
    const QString id = service_->start({u"fidelity"_s,
                                        u"Measure"_s,
                                        {u"fidelity"_s, u"Owner/demo"_s, u"--metric"_s, u"lens"_s,
                                         u"--text-tokens"_s, u"32"_s, u"--negatives"_s, u"64"_s},
                                        target,
                                        {},
                                        {}});
    const auto isOver = [&] {
        const QString phase = service_->job(id).phase;
        if (phase == "lost"_L1)
            service_->resume(id); // rather than to wait for longer each time
        return phase == "done"_L1 || phase == "failed"_L1;
    };
    QElapsedTimer clock;
    clock.start();
    while (!isOver() && clock.elapsed() < kPatience)
        QTest::qWait(kLookEvery);
    ASSERT_EQ(service_->job(id).phase, u"done"_s) << service_->job(id).message.toStdString() << "\n"
                                                  << readTextFile(at() / "breaks");
    EXPECT_FALSE(phases_.contains(u"failed"_s));
    EXPECT_TRUE(phases_.contains(u"lost"_s));
    EXPECT_TRUE(fs::exists(root_.filePath(id + "/out/fidelity.h5"_L1).toStdString()));
    EXPECT_EQ(readTextFile(root_.filePath(id + "/events.jsonl"_L1).toStdString()),
              readTextFile(there(id) / "events.jsonl"));
    EXPECT_TRUE(processesWith({"--for=", id.toUtf8()}).isEmpty());
}

} // namespace
} // namespace caldera::studio
