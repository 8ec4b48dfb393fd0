// Every action of the window behind one key: type a few letters, press Enter.
#pragma once

#include <QFrame>
#include <QList>
#include <QPointer>
#include <QString>

class QAction;
class QLineEdit;
class QListView;
class QSortFilterProxyModel;
class QStandardItemModel;

namespace caldera::studio {

/// How well `pattern` fits into `text`: its letters in order, runs and word beginnings count more.
/// Negative when it does not fit.
int fuzzyScore(const QString& pattern, const QString& text);

class CommandPalette : public QFrame {
    Q_OBJECT
public:
    explicit CommandPalette(QWidget* window);
    /// Shows the actions over the window's upper part, with an empty filter.
    void open(const QList<QAction*>& actions);
    QLineEdit* filter() const { return filter_; }
    QListView* list() const { return list_; }

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;

private:
    void fill();
    void runCurrent();

    QList<QPointer<QAction>> actions_;
    QLineEdit* filter_;
    QListView* list_;
    QStandardItemModel* model_;
};

} // namespace caldera::studio
