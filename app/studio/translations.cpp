#include "app/studio/translations.h"

#include <QCoreApplication>
#include <QLibraryInfo>
#include <QLocale>
#include <QTranslator>

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

void installTranslations(QCoreApplication& application) {
    auto* qt = new QTranslator(&application);
    if (qt->load(QLocale(), u"qtbase"_s, u"_"_s,
                 QLibraryInfo::path(QLibraryInfo::TranslationsPath))) {
        QCoreApplication::installTranslator(qt);
    }
    auto* own = new QTranslator(&application);
    const QString folder = u":/translations"_s;
    // The texts in the source are English, so English is what any other language falls back to.
    if (own->load(QLocale(), u"caldera"_s, u"_"_s, folder) || own->load(u"caldera_en"_s, folder)) {
        QCoreApplication::installTranslator(own);
    }
}

} // namespace caldera::studio
