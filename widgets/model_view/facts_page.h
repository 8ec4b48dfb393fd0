// What an opened model is: architecture, words, storage, tensors.
#pragma once

#include <QWidget>

#include "widgets/models/open_facts.h"
#include "widgets/models/tensor_table_model.h"

class QLabel;
class QTableView;

namespace caldera::studio {

class ElidedLabel;
class FactGrid;
class ToneLabel;

class FactsPage : public QWidget {
    Q_OBJECT
public:
    explicit FactsPage(QWidget* parent = nullptr);
    void showFacts(const OpenFacts& facts);

private:
    QLabel* title_;
    ToneLabel* kind_;
    ElidedLabel* path_;
    ToneLabel* remark_;
    FactGrid* sections_;
    QWidget* tensorSection_;
    QLabel* tensorTitle_ = nullptr;
    QTableView* tensorTable_;
    TensorTableModel tensors_;
};

} // namespace caldera::studio
