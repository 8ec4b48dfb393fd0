#include "widgets/remote/secret_store.h"

#include <QSignalSpy>

#include <gtest/gtest.h>

#include "tests/gui/remote/waiting.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

/// A desktop without any keyring: no session bus.
class SecretStoreTest : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        qputenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        qputenv("XDG_CURRENT_DESKTOP", "GNOME");
    }
};

const QString kName = u"RUNPOD_API_KEY"_s;
const QString kValue = u"rpa_0123456789abcdef"_s;

} // namespace

TEST_F(SecretStoreTest, KeepsSecretsForTheSessionWhereThereIsNoKeyring) {
    SecretStore store;
    const QSignalSpy changed(&store, &SecretStore::changed);
    EXPECT_EQ(resultOf(store.write(kName, kValue)), SecretPlace::Session);
    EXPECT_FALSE(store.complaint().isEmpty());
    EXPECT_EQ(resultOf(store.read(kName)), kValue);
    resultOf(store.remove(kName));
    EXPECT_EQ(resultOf(store.read(kName)), u""_s);
    EXPECT_EQ(changed.size(), 2);
}

TEST_F(SecretStoreTest, AsksNoKeyringWhenToldNotTo) {
    SecretStore store;
    EXPECT_EQ(resultOf(store.write(kName, kValue, SecretPlace::Session)), SecretPlace::Session);
    EXPECT_TRUE(store.complaint().isEmpty());
    EXPECT_EQ(resultOf(store.read(kName)), kValue);
}

TEST_F(SecretStoreTest, RefusesWhatCannotBeAKeyWithoutRepeatingIt) {
    SecretStore store;
    for (const QString& value :
         {u"short"_s, u"two words here"_s, u"line\nbreak-in-it"_s, u"schlüssel-geheim"_s}) {
        const Error error = errorOf(store.write(kName, value));
        EXPECT_EQ(error.code(), "secret.malformed");
        EXPECT_EQ(std::string(error.what()).find(value.toStdString()), std::string::npos);
    }
}

TEST_F(SecretStoreTest, SaysThatNothingIsThereByAnEmptyText) {
    SecretStore store;
    EXPECT_EQ(resultOf(store.read(u"HF_TOKEN"_s)), u""_s);
}

} // namespace caldera::studio
