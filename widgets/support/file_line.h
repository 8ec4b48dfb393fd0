// A line for the path of a file, with a button that chooses one.
#pragma once

#include <QWidget>

class QFileDialog;
class QLineEdit;

namespace caldera::studio {

class FileLine : public QWidget {
    Q_OBJECT
public:
    /// `name` says what file it is, to the button and to screen readers.
    explicit FileLine(const QString& name, QWidget* parent = nullptr);
    QLineEdit* edit() const { return edit_; }
    QString path() const;
    void setPath(const QString& path);

Q_SIGNALS:
    void changed();
    /// The dialog is about to be shown: where it begins and what it offers can be set.
    void choosing(QFileDialog* dialog);

private:
    void choose();

    QString name_;
    QLineEdit* edit_;
};

} // namespace caldera::studio
