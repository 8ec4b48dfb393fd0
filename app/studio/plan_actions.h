// What the File menu does with plans: open, save, compare; and bringing back what was not saved.
#pragma once

#include <QObject>
#include <QString>

#include <functional>

#include "widgets/models/plan_autosave.h"
#include "widgets/support/failure.h"

class QWidget;

namespace caldera::studio {

class PlanComparison;
class Session;

class PlanActions : public QObject {
    Q_OBJECT
public:
    /// `unsaved` is the folder of unsaved changes; `window` is where dialogs belong.
    PlanActions(Session& session, PlanComparison& comparison, const QString& unsaved,
                QWidget& window);

    void chooseAndOpen();
    void chooseAndCompare();
    void compareWithSaved();
    /// To the plan's file, or to one that is asked for. Asks before comments of a person or the
    /// format of another program are lost.
    void save();
    void chooseAndSave();

    /// Without asking.
    void openFile(const QString& path);
    void compareWithFile(const QString& path);
    void saveTo(const QString& path);

    const PlanAutosave& autosave() const { return autosave_; }

Q_SIGNALS:
    void failed(const caldera::studio::Failure& failure, const QString& path);
    /// A plan was opened that names another model, or one of another program.
    void remarked(const QString& sentence);
    /// Unsaved changes are back; undoing leaves them.
    void restored();

private:
    void read(const QString& path, std::function<void(const Plan&)> done);
    void choose(const QString& title, std::function<void(const QString&)> done);
    QString suggestedFile() const;

    Session& session_;
    PlanComparison& comparison_;
    QWidget& window_;
    PlanAutosave autosave_;
};

} // namespace caldera::studio
