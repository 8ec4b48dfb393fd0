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
    /// Where the text that comes with the program is, so that bytes() knows it as well.
    void setBuiltin(const QString& file);
    /// The file was read and is UTF-8, or none is named.
    bool sound() const { return sound_; }
    /// Of the text; negative while they are not known.
    qint64 bytes() const { return bytes_; }
    /// What was found about the file.
    QString finding() const;

Q_SIGNALS:
    void changed();

private:
    void choose();
    void look();
    void show(const QString& sentence, bool sound);

    QString title_;
    QString builtin_;
    QLineEdit* path_;
    ToneLabel* finding_;
    bool sound_ = true;
    qint64 bytes_ = -1;
    int looks_ = 0; ///< an answer about another path is late
};

} // namespace caldera::studio
