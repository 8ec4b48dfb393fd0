// The log of a job with search; follows its end while the reader is there.
#pragma once

#include <QPlainTextEdit>
#include <QWidget>

#include "widgets/jobs/job_history.h"

class QLabel;
class QLineEdit;
class QToolButton;

namespace caldera::studio {

class JobLog : public QWidget {
    Q_OBJECT
public:
    /// Lines that are shown; the file in the job's folder holds all of them.
    static constexpr qsizetype kShownLines = 5000;

    explicit JobLog(QWidget* parent = nullptr);

    /// Shows the history of `jobId`. The same job again adds only what is new.
    void show(const QString& jobId, const JobHistory& history);
    void focusSearch();
    /// How many places the search has found.
    int matchCount() const { return static_cast<int>(matches_.size()); }
    QPlainTextEdit* text() const { return text_; }
    QLineEdit* search() const { return search_; }

protected:
    void keyPressEvent(QKeyEvent* event) override;

private:
    void append(const QList<JobLogLine>& lines);
    void findAll();
    void step(int direction);
    void markMatches();

    QLineEdit* search_;
    QLabel* found_;
    QToolButton* previous_;
    QToolButton* next_;
    QPlainTextEdit* text_;
    QString jobId_;
    qint64 shown_ = 0; ///< number of the next line to show
    QList<QTextCursor> matches_;
    qsizetype current_ = -1;
};

} // namespace caldera::studio
