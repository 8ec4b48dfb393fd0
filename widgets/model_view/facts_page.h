// What an opened model is: architecture, words, storage, tensors.
#pragma once

#include <QList>
#include <QWidget>

#include "widgets/models/facts_model.h"
#include "widgets/models/open_facts.h"
#include "widgets/models/tensor_table_model.h"

class QGridLayout;
class QLabel;
class QTableView;

namespace caldera::studio {

class ElidedLabel;
class NoticeBar;
class ToneLabel;

/// A group of facts under a heading.
struct FactSection {
    QString title;
    QList<Fact> facts;
};
/// The sections for what is open.
QList<FactSection> factSections(const OpenFacts& facts);
/// A sentence on what deserves attention (biases, tied head); empty when nothing does.
QString remarkOn(const OpenFacts& facts);

class FactsPage : public QWidget {
    Q_OBJECT
public:
    explicit FactsPage(QWidget* parent = nullptr);
    void showFacts(const OpenFacts& facts);

private:
    void fillSections(const QList<FactSection>& sections);

    QLabel* title_;
    ToneLabel* kind_;
    ElidedLabel* path_;
    ToneLabel* remark_;
    QWidget* sections_;
    QWidget* tensorSection_;
    QTableView* tensorTable_;
    TensorTableModel tensors_;
};

} // namespace caldera::studio
