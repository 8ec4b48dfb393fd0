// The stages of a target's test: what was found, and how long it took.
#pragma once

#include <QHash>
#include <QWidget>

#include "widgets/remote/target_check.h"

class QGridLayout;
class QLabel;

namespace caldera::studio {

class ToneLabel;

class StageList : public QWidget {
    Q_OBJECT
public:
    explicit StageList(QWidget* parent = nullptr);
    /// Shows the stages as not yet begun.
    void begin(const QList<CheckStage>& stages);
    void show(const StageResult& result);
    void clear();
    /// The whole test as text, for a report.
    QString report() const;

private:
    struct Line {
        QLabel* picture;
        ToneLabel* name;
        ToneLabel* time;
        ToneLabel* text;
    };
    void draw(const StageResult& result);
    void redraw();

    QGridLayout* grid_;
    QList<CheckStage> stages_;
    QHash<int, Line> lines_;
    QHash<int, StageResult> results_;
};

} // namespace caldera::studio
