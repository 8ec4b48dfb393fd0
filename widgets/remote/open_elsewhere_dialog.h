// Opens a model that lies on another machine: its outline comes here, its weights stay there.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include <QDialog>
#include <QList>
#include <QTimer>

#include "widgets/remote/outline_fetch.h"

class QComboBox;
class QLineEdit;
class QProgressBar;
class QPushButton;

namespace caldera::studio {

class ToneLabel;

class OpenElsewhereDialog : public QDialog {
    Q_OBJECT
public:
    /// `targets` may be empty: then it says what to do first.
    explicit OpenElsewhereDialog(const QList<Target>& targets, QWidget* parent = nullptr);
    ~OpenElsewhereDialog() override;
    /// Learns what hosts show the hub of models; asked when a machine may have to fetch one.
    using ReadHub = std::function<void(std::function<void(const HubAccess&)> then)>;
    void setHubReader(ReadHub read) { readHub_ = std::move(read); }
    QComboBox* targetChoice() const { return target_; }
    QLineEdit* place() const { return place_; }
    QPushButton* openButton() const { return open_; }
    /// Why the last attempt failed, or what hinders one.
    const QString& complaint() const { return complaint_; }

Q_SIGNALS:
    /// The outline is here; the dialog closes.
    void fetched(const caldera::studio::FetchedOutline& outline, const QString& target,
                 const QString& place);
    /// The person wants to add or change machines.
    void machinesRequested();

private:
    struct Progress;
    void begin();
    void fetch(const HubAccess& hub);
    void showProgress();
    void show(const QString& text, bool isComplaint);
    void end(const QString& complaint);
    void update();

    QList<Target> targets_;
    ReadHub readHub_;
    QComboBox* target_;
    QLineEdit* place_;
    ToneLabel* text_;
    QProgressBar* bar_;
    QPushButton* open_ = nullptr;
    QTimer look_; ///< at how far the machine is
    std::shared_ptr<Progress> progress_;
    QString complaint_;
    std::stop_source stop_;
    bool isBusy_ = false;
};

} // namespace caldera::studio
