// What is known about a model or an artifact, in sections, and the grid that shows them.
#pragma once

#include <QCoreApplication>
#include <QList>
#include <QString>
#include <QWidget>

#include "widgets/models/facts_model.h"
#include "widgets/models/open_facts.h"

class QGridLayout;

namespace caldera::studio {

/// A group of facts under a heading.
struct FactSection {
    QString title;
    QList<Fact> facts;
};

/// The sections for what is open: architecture, attention, words, storage, memory.
QList<FactSection> factSections(const OpenFacts& facts);
/// A sentence on what deserves attention (biases, tied head); empty when nothing does.
QString remarkOn(const OpenFacts& facts);

/// Sections side by side, in as many columns as fit.
class FactGrid : public QWidget {
    Q_OBJECT
public:
    explicit FactGrid(QWidget* parent = nullptr);
    void setSections(const QList<FactSection>& sections);
    int columns() const { return columns_; }
    QSize minimumSizeHint() const override;

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* makeSection(const FactSection& section);
    void arrange();

    QGridLayout* grid_;
    QList<QWidget*> sections_;
    int columns_ = 0;
};

} // namespace caldera::studio
