// Name, version and licences.
#pragma once

#include <QDialog>

namespace caldera::studio {

class AboutDialog : public QDialog {
    Q_OBJECT
public:
    explicit AboutDialog(QWidget* parent = nullptr);
};

} // namespace caldera::studio
