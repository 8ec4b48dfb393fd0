#include "widgets/support/enter_key.h"

#include <QDialog>
#include <QPushButton>

namespace caldera::studio {

void setEnterButton(QDialog& dialog, QPushButton* button) {
    for (QPushButton* each : dialog.findChildren<QPushButton*>()) {
        each->setAutoDefault(false);
        each->setDefault(each == button);
    }
}

} // namespace caldera::studio
