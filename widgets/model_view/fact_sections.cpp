#include "widgets/model_view/fact_sections.h"

#include <QGridLayout>
#include <QLabel>

#include <vector>

#include "widgets/remote/outline_fetch.h"
#include "widgets/support/columns.h"
#include "widgets/support/labels.h"
#include "widgets/support/number_text.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

constexpr int kHashShown = 12;
constexpr int64_t kGibibyte = 1LL << 30;
constexpr int64_t kPassRoom = kGibibyte; ///< activations and buffers beside weights and cache

QString yesNo(bool value) {
    return value ? FactGrid::tr("yes") : FactGrid::tr("no");
}

QList<Fact> architectureFacts(const ModelConfig& config) {
    return {{FactGrid::tr("Family"), QString::fromStdString(config.architecture), {}},
            {FactGrid::tr("Weights"), parameterText(config.parameterCount()),
             countText(config.parameterCount())},
            {FactGrid::tr("Layers"), countText(config.layerCount), {}},
            {FactGrid::tr("Cells"), countText(config.cellCount()),
             FactGrid::tr("Seven modules in every layer")},
            {FactGrid::tr("Hidden size"), countText(config.hiddenSize), {}},
            {FactGrid::tr("MLP size"), countText(config.intermediateSize), {}}};
}

QList<Fact> attentionFacts(const ModelConfig& config) {
    return {{FactGrid::tr("Heads"), countText(config.headCount), {}},
            {FactGrid::tr("Key-value heads"), countText(config.kvHeadCount), {}},
            {FactGrid::tr("Head size"), countText(config.headSize), {}},
            {FactGrid::tr("Context"), countText(config.maxPositions),
             FactGrid::tr("Positions the model was made for")},
            {FactGrid::tr("RoPE base"), countText(static_cast<int64_t>(config.ropeTheta)), {}},
            {FactGrid::tr("Biases"),
             config.attentionBias ? FactGrid::tr("q, k, v") : FactGrid::tr("none"),
             {}}};
}

QList<Fact> wordFacts(const OpenFacts& facts) {
    return {{FactGrid::tr("Vocabulary"), countText(facts.config.vocabSize), {}},
            {FactGrid::tr("Tokens known"), countText(facts.tokenCount), {}},
            {FactGrid::tr("Chat format"), facts.chatFormat, {}},
            {FactGrid::tr("Tied head"), yesNo(facts.config.tiedEmbeddings),
             FactGrid::tr("Whether embeddings and head share one matrix")}};
}

QList<Fact> storageFacts(const OpenFacts& facts) {
    QList<Fact> result = {{FactGrid::tr("Size"), sizeText(facts.fileBytes),
                           FactGrid::tr("%1 bytes").arg(countText(facts.fileBytes))}};
    if (facts.kind == OpenKind::Artifact) {
        result.append({FactGrid::tr("Bits per weight"), figureText(facts.bitsPerWeight), {}});
        result.append(
            {FactGrid::tr("Hash"), facts.artifactHash.left(kHashShown), facts.artifactHash});
    } else {
        result.append(
            {FactGrid::tr("Tensors"), countText(static_cast<int64_t>(facts.tensors.size())), {}});
        result.append({FactGrid::tr("Types"), facts.dtypes, {}});
        if (isKeptOutline(facts.path)) {
            result.append({FactGrid::tr("Here"), FactGrid::tr("outline only"),
                           FactGrid::tr("The weights stay on the machine from which it was opened; "
                                        "runs of it are started there")});
        }
    }
    result.append(
        {FactGrid::tr("Fingerprint"), facts.fingerprint.left(kHashShown), facts.fingerprint});
    return result;
}

/// Bytes that a token's keys and values take in the runtime's cache, which holds f32.
int64_t cacheBytesOfToken(const ModelConfig& config) {
    return 2LL * config.layerCount * config.kvHeadCount * config.headSize *
           static_cast<int64_t>(sizeof(float));
}

/// The smallest usual card that holds so many bytes and leaves room for a pass.
QString smallestCard(int64_t bytes) {
    for (const int card : {8, 12, 16, 24, 32, 48, 80, 96, 141, 192}) {
        if (bytes + kPassRoom <= card * kGibibyte) {
            return FactGrid::tr("%1 GB card").arg(card);
        }
    }
    return FactGrid::tr("no single card");
}

QList<Fact> memoryFacts(const OpenFacts& facts) {
    const ModelConfig& config = facts.config;
    const bool artifact = facts.kind == OpenKind::Artifact;
    const int64_t weights =
        artifact ? planSize(facts.plan, config).total() : config.parameterCount() * 2;
    const int64_t cache = cacheBytesOfToken(config);
    const int64_t whole = cache * config.maxPositions;
    return {{FactGrid::tr("Weights"), memoryText(weights),
             artifact ? FactGrid::tr("All packed weights; they are used as they are on disk")
                      : FactGrid::tr("At 16 bits a weight")},
            {FactGrid::tr("Cache a token"), memoryText(cache),
             FactGrid::tr("Keys and values of one position, in 32-bit floats")},
            {FactGrid::tr("Whole context"), memoryText(whole),
             FactGrid::tr("The cache of %1 positions").arg(countText(config.maxPositions))},
            {FactGrid::tr("Together"), memoryText(weights + whole), {}},
            {FactGrid::tr("Fits"), smallestCard(weights + whole),
             FactGrid::tr("The smallest usual card that holds weights and a whole context, with "
                          "1 GB left for the pass")}};
}

} // namespace

QList<FactSection> factSections(const OpenFacts& facts) {
    return {{FactGrid::tr("Architecture"), architectureFacts(facts.config)},
            {FactGrid::tr("Attention"), attentionFacts(facts.config)},
            {FactGrid::tr("Words"), wordFacts(facts)},
            {FactGrid::tr("Storage"), storageFacts(facts)},
            {FactGrid::tr("Memory"), memoryFacts(facts)}};
}

QString remarkOn(const OpenFacts& facts) {
    QStringList remarks;
    if (facts.config.attentionBias) {
        remarks += FactGrid::tr("The biases of q, k and v are kept as they are.");
    }
    if (facts.config.tiedEmbeddings) {
        remarks += FactGrid::tr("Embeddings and head are one matrix, so its bits count once.");
    }
    return remarks.join(u' ');
}

FactGrid::FactGrid(QWidget* parent) : QWidget(parent), grid_(new QGridLayout(this)) {
    grid_->setContentsMargins(0, 0, 0, 0);
    grid_->setHorizontalSpacing(kSpaceHuge);
    grid_->setVerticalSpacing(kSpaceLarge);
}

QWidget* FactGrid::makeSection(const FactSection& section) {
    auto* box = new QWidget(this);
    auto* lines = new QGridLayout(box);
    lines->setContentsMargins(0, 0, 0, 0);
    lines->setHorizontalSpacing(kSpaceMedium);
    lines->setVerticalSpacing(kSpaceTiny);
    lines->addWidget(sectionLabel(section.title, box), 0, 0, 1, 2);
    int row = 1;
    for (const Fact& fact : section.facts) {
        auto* name = new ToneLabel(fact.name, Token::Secondary, box);
        ToneLabel* value = numberLabel(fact.value, box);
        value->setToolTip(fact.toolTip);
        name->setToolTip(fact.toolTip);
        lines->addWidget(name, row, 0);
        lines->addWidget(value, row, 1);
        ++row;
    }
    lines->setColumnStretch(1, 1);
    lines->setRowStretch(row, 1);
    return box;
}

void FactGrid::setSections(const QList<FactSection>& sections) {
    qDeleteAll(sections_);
    sections_.clear();
    for (const FactSection& section : sections) {
        sections_.append(makeSection(section));
    }
    columns_ = 0;
    arrange();
}

// The columns follow the width, so the width asks for no more than the widest section.
QSize FactGrid::minimumSizeHint() const {
    int widest = 0;
    for (const QWidget* section : sections_) {
        widest = qMax(widest, section->minimumSizeHint().width());
    }
    return {widest, QWidget::minimumSizeHint().height()};
}

void FactGrid::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    arrange();
}

void FactGrid::arrange() {
    std::vector<int> widths;
    for (const QWidget* section : sections_) {
        widths.push_back(section->sizeHint().width());
    }
    const int columns = fittingColumns(widths, kSpaceHuge, width());
    if (columns == columns_) {
        return;
    }
    for (int old = 0; old < columns_; ++old) {
        grid_->setColumnStretch(old, 0);
    }
    columns_ = columns;
    for (int at = 0; at < sections_.size(); ++at) {
        grid_->addWidget(sections_[at], at / columns, at % columns);
        sections_[at]->show();
    }
    for (int column = 0; column < columns; ++column) {
        grid_->setColumnStretch(column, 1);
    }
}

} // namespace caldera::studio
