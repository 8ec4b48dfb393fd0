// The real thing: a session bus and gnome-keyring of the test's own.
#include <QDBusConnection>
#include <QDBusConnectionInterface>
#include <QProcess>
#include <QTemporaryDir>

#include <gtest/gtest.h>

#include "tests/gui/remote/waiting.h"
#include "widgets/remote/secret_store.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// Ends its program with the test.
class Companion : public QProcess {
public:
    ~Companion() override {
        kill();
        waitForFinished();
    }
};

class Keyring : public ::testing::Test {
protected:
    void SetUp() override {
        for (const char* name : {"XDG_DATA_HOME", "XDG_RUNTIME_DIR", "HOME"})
            qputenv(name, home_.path().toUtf8());
        qputenv("XDG_CURRENT_DESKTOP", "GNOME");
        bus_.start(u"dbus-daemon"_s, {u"--session"_s, u"--nofork"_s, u"--print-address"_s});
        ASSERT_TRUE(bus_.waitForReadyRead()) << bus_.errorString().toStdString();
        qputenv("DBUS_SESSION_BUS_ADDRESS", bus_.readLine().trimmed());
        startDaemon();
    }

    void startDaemon() {
        daemon_ = std::make_unique<Companion>();
        daemon_->start(u"gnome-keyring-daemon"_s,
                       {u"--foreground"_s, u"--unlock"_s, u"--components=secrets"_s});
        daemon_->write("password of the test");
        daemon_->closeWriteChannel();
        const QDBusConnection bus = QDBusConnection::connectToBus(
            qEnvironmentVariable("DBUS_SESSION_BUS_ADDRESS"), u"keyring test"_s);
        const auto up = [&bus] {
            return bus.interface()->isServiceRegistered(u"org.freedesktop.secrets"_s).value();
        };
        ASSERT_TRUE(QTest::qWaitFor(up, kWaitLimit)) << daemon_->readAll().toStdString();
    }

    QTemporaryDir home_;
    Companion bus_;
    std::unique_ptr<Companion> daemon_;
};

} // namespace

TEST_F(Keyring, KeepsASecretOverTheEndOfTheStudio) {
    const QString name = u"RUNPOD_API_KEY"_s;
    const QString value = u"rpa_kept_in_the_keyring"_s;
    {
        SecretStore store;
        EXPECT_EQ(resultOf(store.write(name, value)), SecretPlace::Keyring)
            << store.complaint().toStdString();
        EXPECT_EQ(resultOf(store.read(name)), value);
    }
    SecretStore next;
    EXPECT_EQ(resultOf(next.read(name)), value);
    resultOf(next.remove(name));
    EXPECT_EQ(resultOf(next.read(name)), u""_s);

    // The keyring dies under the studio: the next secret stays for the session.
    daemon_.reset();
    EXPECT_EQ(resultOf(next.write(name, value)), SecretPlace::Session);
    EXPECT_FALSE(next.complaint().isEmpty());
    EXPECT_EQ(resultOf(next.read(name)), value);
}

} // namespace caldera::studio
