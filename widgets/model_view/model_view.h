// The Model mode: recent models on the left, the facts of the open one on the right.
#pragma once

#include <QWidget>

class QPushButton;
class QStackedWidget;

namespace caldera::studio {

class EmptyState;
class ErrorBanner;
class FactsPage;
class RecentItems;
class RecentList;
class Session;

/// Folders and files can be dropped anywhere on it.
class ModelView : public QWidget {
    Q_OBJECT
public:
    ModelView(Session& session, RecentItems& recent, QWidget* parent = nullptr);
    ErrorBanner* banner() const { return banner_; }

Q_SIGNALS:
    void openFolderRequested();
    void openFileRequested();
    void openDemoRequested();
    void openRequested(const QString& path);

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dragLeaveEvent(QDragLeaveEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    QWidget* makeSide(RecentItems& recent);
    void setDropping(bool dropping);

    Session& session_;
    ErrorBanner* banner_;
    QStackedWidget* stack_;
    EmptyState* empty_;
    FactsPage* facts_;
    bool dropping_ = false;
};

} // namespace caldera::studio
