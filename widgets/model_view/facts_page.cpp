#include "widgets/model_view/facts_page.h"

#include <QGridLayout>
#include <QHeaderView>
#include <QLabel>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>

#include "widgets/plan_view/module_table.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

QString yesNo(bool value) {
    return value ? FactsPage::tr("yes") : FactsPage::tr("no");
}

QList<Fact> architectureFacts(const ModelConfig& config) {
    return {{FactsPage::tr("Family"), QString::fromStdString(config.architecture), {}},
            {FactsPage::tr("Weights"), parameterText(config.parameterCount()),
             countText(config.parameterCount())},
            {FactsPage::tr("Layers"), countText(config.layerCount), {}},
            {FactsPage::tr("Cells"), countText(config.cellCount()),
             FactsPage::tr("Seven modules in every layer")},
            {FactsPage::tr("Hidden size"), countText(config.hiddenSize), {}},
            {FactsPage::tr("MLP size"), countText(config.intermediateSize), {}}};
}

QList<Fact> attentionFacts(const ModelConfig& config) {
    return {{FactsPage::tr("Heads"), countText(config.headCount), {}},
            {FactsPage::tr("Key-value heads"), countText(config.kvHeadCount), {}},
            {FactsPage::tr("Head size"), countText(config.headSize), {}},
            {FactsPage::tr("Context"), countText(config.maxPositions),
             FactsPage::tr("Positions the model was made for")},
            {FactsPage::tr("RoPE base"), countText(static_cast<int64_t>(config.ropeTheta)), {}},
            {FactsPage::tr("Biases"),
             config.attentionBias ? FactsPage::tr("q, k, v") : FactsPage::tr("none"),
             {}}};
}

QList<Fact> wordFacts(const OpenFacts& facts) {
    return {{FactsPage::tr("Vocabulary"), countText(facts.config.vocabSize), {}},
            {FactsPage::tr("Tokens known"), countText(facts.tokenCount), {}},
            {FactsPage::tr("Chat format"), facts.chatFormat, {}},
            {FactsPage::tr("Tied head"), yesNo(facts.config.tiedEmbeddings),
             FactsPage::tr("Whether embeddings and head share one matrix")}};
}

QList<Fact> storageFacts(const OpenFacts& facts) {
    QList<Fact> result = {{FactsPage::tr("Size"), sizeText(facts.fileBytes),
                           FactsPage::tr("%1 bytes").arg(countText(facts.fileBytes))}};
    if (facts.kind == OpenKind::Artifact) {
        result.append({FactsPage::tr("Bits per weight"), figureText(facts.bitsPerWeight), {}});
        result.append({FactsPage::tr("Hash"), facts.artifactHash.left(16), facts.artifactHash});
    } else {
        result.append(
            {FactsPage::tr("Tensors"), countText(static_cast<int64_t>(facts.tensors.size())), {}});
        result.append({FactsPage::tr("Types"), facts.dtypes, {}});
    }
    result.append({FactsPage::tr("Fingerprint"), facts.fingerprint.left(16), facts.fingerprint});
    return result;
}

} // namespace

QList<FactSection> factSections(const OpenFacts& facts) {
    return {{FactsPage::tr("Architecture"), architectureFacts(facts.config)},
            {FactsPage::tr("Attention"), attentionFacts(facts.config)},
            {FactsPage::tr("Words"), wordFacts(facts)},
            {FactsPage::tr("Storage"), storageFacts(facts)}};
}

QString remarkOn(const OpenFacts& facts) {
    QStringList remarks;
    if (facts.config.attentionBias) {
        remarks += FactsPage::tr("The biases of q, k and v are kept as they are.");
    }
    if (facts.config.tiedEmbeddings) {
        remarks += FactsPage::tr("Embeddings and head are one matrix, so its bits count once.");
    }
    return remarks.join(u' ');
}

FactsPage::FactsPage(QWidget* parent)
    : QWidget(parent), title_(titleLabel(QString(), this)),
      kind_(new ToneLabel(QString(), Token::Secondary, this)), path_(new ElidedLabel({}, this)),
      remark_(new ToneLabel(QString(), Token::Secondary, this)), sections_(new QWidget(this)),
      tensorSection_(new QWidget(this)), tensorTable_(new QTableView(this)) {
    title_->setProperty("isData", true);
    title_->setObjectName(u"modelTitle"_s);
    path_->setFont(Theme::current().numberFont(-1));
    path_->setTone(Token::Secondary);
    remark_->setWordWrap(true);
    auto* sorted = new QSortFilterProxyModel(this);
    sorted->setSourceModel(&tensors_);
    sorted->setSortRole(TensorTableModel::kSortRole);
    tensorTable_->setModel(sorted);
    tensorTable_->setAccessibleName(tr("Tensors of the model"));
    makeQuietTable(*tensorTable_);
    tensorTable_->setSortingEnabled(true);
    tensorTable_->sortByColumn(-1, Qt::AscendingOrder);
    auto* columns = tensorTable_->horizontalHeader();
    columns->setSectionResizeMode(QHeaderView::Interactive);
    columns->setSectionResizeMode(TensorTableModel::Name, QHeaderView::Stretch);
    columns->resizeSection(TensorTableModel::Shape, 140);
    columns->resizeSection(TensorTableModel::Type, 72);
    columns->resizeSection(TensorTableModel::Bytes, 104);

    auto* tensorLayout = new QVBoxLayout(tensorSection_);
    tensorLayout->setContentsMargins(0, 0, 0, 0);
    tensorLayout->setSpacing(kSpaceSmall);
    tensorLayout->addWidget(new Separator(Qt::Horizontal, tensorSection_));
    tensorLayout->addWidget(sectionLabel(tr("Tensors"), tensorSection_));
    tensorLayout->addWidget(tensorTable_, 1);

    auto* head = new QHBoxLayout;
    head->setSpacing(kSpaceMedium);
    head->addWidget(title_, 0, Qt::AlignBaseline);
    head->addWidget(kind_, 1, Qt::AlignBaseline);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(kSpaceHuge, kSpaceMedium, kSpaceHuge, 0);
    layout->setSpacing(kSpaceMedium);
    layout->addLayout(head);
    layout->addWidget(path_);
    layout->addWidget(new Separator(Qt::Horizontal, this));
    layout->addWidget(sections_);
    layout->addWidget(remark_);
    layout->addWidget(tensorSection_, 1);
    layout->addStretch();
}

void FactsPage::showFacts(const OpenFacts& facts) {
    title_->setText(facts.name);
    kind_->setText(facts.kind == OpenKind::Artifact ? tr("compressed model") : tr("model"));
    path_->setText(facts.path);
    remark_->setText(remarkOn(facts));
    remark_->setVisible(!remark_->text().isEmpty());
    fillSections(factSections(facts));
    tensors_.setTensors(facts.tensors);
    tensorSection_->setVisible(!facts.tensors.empty());
}

void FactsPage::fillSections(const QList<FactSection>& sections) {
    auto* parent = new QWidget(this);
    auto* grid = new QGridLayout(parent);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(kSpaceMedium);
    grid->setVerticalSpacing(kSpaceTiny);
    for (int at = 0; at < sections.size(); ++at) {
        const int column = at * 3;
        grid->addWidget(sectionLabel(sections[at].title, parent), 0, column, 1, 2);
        int row = 1;
        for (const Fact& fact : sections[at].facts) {
            auto* name = new ToneLabel(fact.name, Token::Secondary, parent);
            ToneLabel* value = numberLabel(fact.value, parent);
            value->setToolTip(fact.toolTip);
            name->setToolTip(fact.toolTip);
            grid->addWidget(name, row, column);
            grid->addWidget(value, row, column + 1);
            ++row;
        }
        grid->setColumnMinimumWidth(column + 2, kSpaceLarge);
        grid->setColumnStretch(column + 2, 1);
    }
    delete layout()->replaceWidget(sections_, parent);
    sections_->hide();
    sections_->deleteLater();
    sections_ = parent;
}

} // namespace caldera::studio
