// Adds, tests, changes and removes the machines on which jobs can run.
#pragma once

#include <functional>

#include <QDialog>

#include "widgets/remote/target.h"
#include "widgets/remote/target_checker.h"

class QLabel;
class QListWidget;
class QPushButton;
class QScrollArea;
class QStackedWidget;

namespace caldera::studio {

class EmptyState;
class StageList;
class TargetForm;
class TargetStore;
class ToneLabel;

class RemotesDialog : public QDialog {
    Q_OBJECT
public:
    /// `store` must outlive it.
    explicit RemotesDialog(TargetStore& store, QWidget* parent = nullptr);

    TargetForm* form() const { return form_; }
    StageList* stages() const { return stages_; }
    /// An empty form for a target of this kind.
    void add(TargetKind kind = TargetKind::Ssh);
    void select(const QString& name);
    void test();
    void save();
    /// Esc and Close ask before anything that was typed is lost.
    void reject() override;

Q_SIGNALS:
    /// A test has ended.
    void tested(bool passed);

private:
    QWidget* makeList();
    QWidget* makeDetails();
    void connectTester();
    void showTargets();
    void showTarget(const Target& target);
    void follow();
    void mark(const QString& name);
    void unlessChanged(const std::function<void()>& then);
    void removeSelected();
    void compareKey(const QStringList& keys);
    void update();
    bool isChanged() const;

    TargetStore& store_;
    TargetChecker checker_;
    QListWidget* list_;
    QPushButton* remove_;
    QStackedWidget* pages_;
    EmptyState* empty_;
    QScrollArea* scroll_;
    TargetForm* form_;
    StageList* stages_;
    ToneLabel* complaint_;
    QPushButton* test_;
    QPushButton* save_;
    Target shown_; ///< as it is stored; without a name: a new one
};

} // namespace caldera::studio
