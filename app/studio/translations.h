// The texts of the user's language, from resources/translations.
#pragma once

class QCoreApplication;

namespace caldera::studio {

/// English has a file too: its plural forms.
void installTranslations(QCoreApplication& application);

} // namespace caldera::studio
