// One quiet line that says something useful, offers an action, and can be closed for good.
#pragma once

#include <QWidget>

#include <functional>

class QLabel;
class QPushButton;

namespace caldera::studio {

class NoticeBar : public QWidget {
    Q_OBJECT
public:
    explicit NoticeBar(QWidget* parent = nullptr);

    /// `iconName` from resources/icons; without `actionText` there is no button.
    void showNotice(const QString& iconName, const QString& sentence,
                    const QString& actionText = {}, std::function<void()> action = {});
    void clear();
    QString sentence() const;

Q_SIGNALS:
    /// Closed by the person, not by clear().
    void dismissed();

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void updatePicture();

    QString iconName_;
    QLabel* picture_;
    QLabel* sentence_;
    QPushButton* action_;
    std::function<void()> run_;
};

} // namespace caldera::studio
