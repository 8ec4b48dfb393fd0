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
    if (own->load(QLocale(), u"caldera"_s, u"_"_s, u":/translations"_s)) {
        QCoreApplication::installTranslator(own);
    }
}

} // namespace caldera::studio
