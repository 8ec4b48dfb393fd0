// The status line: the job at work with its progress, in every mode.
#pragma once

#include <QString>
#include <QTimer>
#include <QWidget>

class QProgressBar;
class QToolButton;

namespace caldera::studio {

class ElidedLabel;
class JobService;
class ToneLabel;

class JobLine : public QWidget {
    Q_OBJECT
public:
    explicit JobLine(JobService& service, QWidget* parent = nullptr);
    /// What is open, at the right end.
    void setContext(const QString& text);
    /// What goes on beside jobs ("Answering…"); empty when nothing does.
    void setActivity(const QString& text);

Q_SIGNALS:
    void jobClicked(const QString& id);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;

private:
    void refresh();
    void showIdle();

    JobService& service_;
    QTimer timer_; ///< at most ten updates a second
    QString shown_;
    QString activity_;
    ElidedLabel* title_;
    ToneLabel* stage_;
    QProgressBar* bar_;
    ToneLabel* percent_;
    ToneLabel* eta_;
    QToolButton* cancel_;
    ElidedLabel* context_;
};

} // namespace caldera::studio
