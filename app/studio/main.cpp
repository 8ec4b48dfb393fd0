// caldera-studio: reads the command line, makes the window, runs.
#include <QApplication>
#include <QCommandLineParser>
#include <QDir>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <exception>

#include "app/studio/main_window.h"
#include "app/studio/screenshots.h"
#include "app/studio/translations.h"
#include "core/base/paths.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace {

struct Options {
    QString open;
    QStringList reports;
    QString screenshots;
    QStringList questions;
};

Options parse(const QCoreApplication& application) {
    QCommandLineParser parser;
    parser.setApplicationDescription(
        QCoreApplication::translate("main", "Compress language models and talk to the result."));
    parser.addHelpOption();
    parser.addVersionOption();
    const auto text = [](const char* source) {
        return QCoreApplication::translate("main", source);
    };
    const QCommandLineOption open(
        u"open"_s, text(QT_TRANSLATE_NOOP("main", "Open this model, artifact or .gguf file.")),
        u"PATH"_s);
    const QCommandLineOption report(
        u"report"_s, text(QT_TRANSLATE_NOOP("main", "Open this report as well; may be repeated.")),
        u"FILE.h5"_s);
    const QCommandLineOption screenshots(
        u"screenshot"_s,
        text(QT_TRANSLATE_NOOP("main", "Write pictures of every mode into this folder and end.")),
        u"FOLDER"_s);
    const QCommandLineOption question(
        u"ask"_s,
        text(QT_TRANSLATE_NOOP("main",
                               "With --screenshot: ask this in Chat first; may be repeated.")),
        u"TEXT"_s);
    parser.addOptions({open, report, screenshots, question});
    parser.addPositionalArgument(u"path"_s, text(QT_TRANSLATE_NOOP("main", "The same as --open.")),
                                 u"[PATH]"_s);
    parser.process(application);
    Options options{parser.value(open), parser.values(report), parser.value(screenshots),
                    parser.values(question)};
    if (options.open.isEmpty() && !parser.positionalArguments().isEmpty()) {
        options.open = parser.positionalArguments().first();
    }
    return options;
}

int runStudio(QApplication& application) {
    using namespace caldera::studio;
    const Options options = parse(application);
    Theme::current().install(application);
    const QString state = QString::fromStdString(caldera::stateFolder().string());
    MainWindow window({QString::fromStdString(caldera::jobsFolder().string()),
                       QDir(state).filePath(u"chats"_s),
                       {},
                       QDir(state).filePath(u"plans/unsaved"_s),
                       QString::fromStdString((caldera::configFolder() / "remotes").string()),
                       QDir(state).filePath(u"pods"_s)});
    if (!options.open.isEmpty()) {
        window.openPath(QDir::current().absoluteFilePath(options.open));
    } else if (options.reports.isEmpty()) {
        window.openAtStart();
    }
    for (const QString& report : options.reports) {
        window.openReport(QDir::current().absoluteFilePath(report));
    }
    Screenshots pictures(window, options.screenshots, options.questions);
    if (!options.screenshots.isEmpty()) {
        QObject::connect(&pictures, &Screenshots::finished, &application,
                         [](const QString& problem) {
                             if (!problem.isEmpty()) {
                                 std::fprintf(stderr, "%s\n", qPrintable(problem));
                             }
                             QCoreApplication::exit(problem.isEmpty() ? 0 : 1);
                         });
        pictures.start();
    }
    window.show();
    return QApplication::exec();
}

/// Whether the command line only wants to be told something, for which no display is needed.
bool onlyAsks(int argc, char** argv) {
    const QStringList asking = {u"-h"_s, u"--help"_s, u"--help-all"_s, u"-v"_s, u"--version"_s};
    return std::any_of(argv + 1, argv + argc, [&](const char* word) {
        return asking.contains(QString::fromLocal8Bit(word));
    });
}

void nameApplication() {
    QCoreApplication::setOrganizationName(u"caldera"_s);
    QCoreApplication::setApplicationName(u"caldera-studio"_s);
    QCoreApplication::setApplicationVersion(QStringLiteral(CALDERA_VERSION));
}

} // namespace

int main(int argc, char** argv) {
    nameApplication();
    if (onlyAsks(argc, argv)) {
        QCoreApplication application(argc, argv);
        caldera::studio::installTranslations(application);
        parse(application); // answers and ends
    }
    QApplication application(argc, argv);
    // QApplication takes the user's locale; numbers in files always have a point.
    std::setlocale(LC_NUMERIC, "C");
    QGuiApplication::setDesktopFileName(u"caldera-studio"_s);
    QApplication::setWindowIcon(caldera::studio::icon(u"caldera-studio"_s));
    caldera::studio::installTranslations(application);
    try {
        return runStudio(application);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "caldera-studio: %s\n", error.what());
        return 1;
    }
}
