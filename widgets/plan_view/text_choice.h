// Choice of a text: the one that comes with the program, or a file, which is looked at at once.
#pragma once

#include <QString>
#include <QWidget>

class QLineEdit;

namespace caldera::studio {

class ToneLabel;

class TextChoice : public QWidget {
    Q_OBJECT
public:
    explicit TextChoice(const QString& title, QWidget* parent = nullptr);

    /// Empty: the text that comes with the program.
    QString path() const;
    void setPath(const QString& path);
    /// The file was read and is UTF-8, or none is named.
    bool sound() const { return sound_; }
    /// What was found about the file.
    QString finding() const;

Q_SIGNALS:
    void changed();

private:
    void choose();
    void look();
    void show(const QString& sentence, bool sound);

    QString title_;
    QLineEdit* path_;
    ToneLabel* finding_;
    bool sound_ = true;
    int looks_ = 0; ///< an answer about another path is late
};

} // namespace caldera::studio
