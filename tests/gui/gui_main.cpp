// main() of the GUI tests: an application without a screen, with folders of its own
// and with the same fonts on every machine.
#include <QApplication>
#include <QDir>
#include <QTemporaryDir>

#include <clocale>

#include <gtest/gtest.h>

#include "widgets/theme/theme.h"

int main(int argc, char** argv) {
    if (!qEnvironmentVariableIsSet("QT_QPA_PLATFORM")) {
        qputenv("QT_QPA_PLATFORM", "offscreen");
    }
    const QTemporaryDir home;
    for (const char* name : {"XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"}) {
        qputenv(name, home.filePath(QString::fromLatin1(name)).toUtf8());
    }
    if (!qEnvironmentVariableIsSet("CALDERA_PICTURES_FONTS")) {
        qputenv("FONTCONFIG_FILE", CALDERA_SOURCE_DIR "/tests/gui/fonts.conf");
    }
    ::testing::InitGoogleTest(&argc, argv);
    QApplication application(argc, argv);
    std::setlocale(LC_NUMERIC, "C");
    QCoreApplication::setOrganizationName(QStringLiteral("caldera-tests"));
    QCoreApplication::setApplicationName(QStringLiteral("caldera-studio"));
    caldera::studio::Theme::current().install(application);
    return RUN_ALL_TESTS();
}
