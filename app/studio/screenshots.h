// --screenshot: every mode in both themes and two sizes, as PNG files, without a person.
#pragma once

#include <QElapsedTimer>
#include <QObject>
#include <QSize>
#include <QString>
#include <QStringList>

namespace caldera::studio {

class MainWindow;

/// Waits until what is being opened is there (and, with a question, answered), then writes
/// `folder`/<mode>-<scheme>-<width>x<height>.png and emits finished().
class Screenshots : public QObject {
    Q_OBJECT
public:
    /// `questions` are asked in Chat first, one after the other.
    Screenshots(MainWindow& window, const QString& folder, const QStringList& questions,
                QObject* parent = nullptr);
    void start();

Q_SIGNALS:
    /// `problem` is empty when all files were written.
    void finished(const QString& problem);

private:
    enum class Step { Opening, Answering, Drawing };
    void look();
    void end(const QString& problem);
    bool settled() const;
    QString drawAll();
    QString drawModes(const QString& scheme, const QSize& size);

    MainWindow& window_;
    QString folder_;
    QStringList questions_; ///< still to be asked
    Step step_ = Step::Opening;
    QElapsedTimer clock_;
};

} // namespace caldera::studio
