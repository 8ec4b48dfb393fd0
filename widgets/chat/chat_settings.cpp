#include "widgets/chat/chat_settings.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QInputDialog>
#include <QPlainTextEdit>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

#include "widgets/support/icon_button.h"
#include "widgets/support/labels.h"
#include "widgets/theme/theme.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr int kSystemLines = 3;

template <class Box>
Box* spinBox(const QString& name, double least, double most, QWidget* parent) {
    auto* box = new Box(parent);
    box->setAccessibleName(name);
    if constexpr (std::is_same_v<Box, QSpinBox>) {
        box->setRange(static_cast<int>(least), static_cast<int>(most));
    } else {
        box->setRange(least, most);
        box->setSingleStep(0.05);
        box->setDecimals(2);
    }
    return box;
}

} // namespace

ChatSettings::ChatSettings(QWidget* parent)
    : QWidget(parent), presets_(new QComboBox(this)),
      save_(iconButton(u"save"_s, tr("Keep these settings as a preset"), this)),
      remove_(iconButton(u"trash"_s, tr("Remove this preset"), this)),
      system_(new QPlainTextEdit(this)),
      temperature_(
          spinBox<QDoubleSpinBox>(tr("Temperature"), 0, ChatSampling::kMostTemperature, this)),
      topP_(spinBox<QDoubleSpinBox>(tr("Top p"), ChatSampling::kLeastTopP, 1, this)),
      topK_(spinBox<QSpinBox>(tr("Top k"), 0, ChatSampling::kMostTokens, this)),
      minP_(spinBox<QDoubleSpinBox>(tr("Min p"), 0, 1, this)),
      repetition_(spinBox<QDoubleSpinBox>(tr("Repetition"), ChatSampling::kLeastRepetition,
                                          ChatSampling::kMostRepetition, this)),
      maxTokens_(spinBox<QSpinBox>(tr("Most tokens"), 1, ChatSampling::kMostTokens, this)),
      seed_(spinBox<QSpinBox>(tr("Seed"), -1, ChatSampling::kMostSeed, this)),
      builtIn_(builtInPresets().size()) {
    system_->setPlaceholderText(tr("System prompt: how the model should behave"));
    system_->setAccessibleName(tr("System prompt"));
    system_->setTabChangesFocus(true);
    system_->setFixedHeight(fontMetrics().lineSpacing() * kSystemLines + kSpaceLarge);
    topK_->setSpecialValueText(tr("off"));
    minP_->setSpecialValueText(tr("off"));
    seed_->setSpecialValueText(tr("random"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, kSpaceTiny, kSpaceSmall);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(buildPresets());
    layout->addWidget(system_);
    layout->addLayout(buildFields());
    setPresets({});
    set({}, {});
    connectFields();
}

QWidget* ChatSettings::buildPresets() {
    auto* box = new QWidget(this);
    presets_->setAccessibleName(tr("Preset"));
    presets_->setToolTip(tr("A system prompt and sampling under a name"));
    auto* label = new ToneLabel(tr("Preset"), Token::Secondary, box);
    label->setBuddy(presets_);
    auto* layout = new QHBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(kSpaceSmall);
    layout->addWidget(label);
    layout->addWidget(presets_, 1);
    layout->addWidget(save_);
    layout->addWidget(remove_);
    return box;
}

QGridLayout* ChatSettings::buildFields() {
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(kSpaceSmall);
    grid->setVerticalSpacing(kSpaceTiny);
    const std::initializer_list<std::pair<QWidget*, QString>> fields = {
        {temperature_, tr("How freely the model chooses; 0 always takes the likeliest token")},
        {topP_, tr("Chooses among the likeliest tokens that together have this probability")},
        {topK_, tr("Chooses among this many of the likeliest tokens")},
        {minP_, tr("Leaves out tokens below this share of the likeliest one's probability")},
        {repetition_, tr("Above 1, tokens that were said before become less likely")},
        {maxTokens_, tr("The answer ends after this many tokens")},
        {seed_, tr("The same seed gives the same answer")}};
    int column = 0;
    for (const auto& [field, tip] : fields) {
        auto* label = new ToneLabel(field->accessibleName(), Token::Secondary, this);
        label->setBuddy(field);
        label->setToolTip(tip);
        field->setToolTip(tip);
        grid->addWidget(label, 0, column);
        grid->addWidget(field, 1, column);
        grid->setColumnStretch(column++, 1);
    }
    return grid;
}

void ChatSettings::connectFields() {
    const auto tell = [this] {
        markPreset();
        Q_EMIT changed();
    };
    connect(system_, &QPlainTextEdit::textChanged, this, tell);
    // A field shows two decimals, a preset may have more: what nobody touches stays as it is.
    const auto follow = [this, tell](auto* field, auto member) {
        connect(field, &std::remove_pointer_t<decltype(field)>::valueChanged, this,
                [this, tell, member](auto value) {
                    sampling_.*member = value;
                    tell();
                });
    };
    follow(temperature_, &ChatSampling::temperature);
    follow(topP_, &ChatSampling::topP);
    follow(minP_, &ChatSampling::minP);
    follow(repetition_, &ChatSampling::repetitionPenalty);
    follow(topK_, &ChatSampling::topK);
    follow(maxTokens_, &ChatSampling::maxTokens);
    follow(seed_, &ChatSampling::seed);
    connect(presets_, &QComboBox::activated, this, [this](int index) {
        if (index < 1)
            return;
        const ChatPreset& preset = known_[index - 1];
        set(preset.systemPrompt, preset.sampling);
        Q_EMIT changed();
    });
    connect(save_, &QToolButton::clicked, this, &ChatSettings::askForName);
    connect(remove_, &QToolButton::clicked, this, [this] {
        const int index = presets_->currentIndex() - 1;
        if (index >= builtIn_)
            Q_EMIT presetRemoved(known_[index]);
    });
}

void ChatSettings::set(const QString& systemPrompt, const ChatSampling& sampling) {
    {
        const QSignalBlocker blocker(this);
        if (system_->toPlainText() != systemPrompt)
            system_->setPlainText(systemPrompt);
        temperature_->setValue(sampling.temperature);
        topP_->setValue(sampling.topP);
        topK_->setValue(sampling.topK);
        minP_->setValue(sampling.minP);
        repetition_->setValue(sampling.repetitionPenalty);
        maxTokens_->setValue(sampling.maxTokens);
        seed_->setValue(static_cast<int>(sampling.seed));
        sampling_ = sampling;
    }
    markPreset();
}

QString ChatSettings::systemPrompt() const {
    return system_->toPlainText();
}

void ChatSettings::setPresets(const QList<ChatPreset>& presets) {
    known_ = builtInPresets() + presets;
    presets_->clear();
    presets_->addItem(tr("None"));
    for (const ChatPreset& preset : std::as_const(known_))
        presets_->addItem(preset.name);
    markPreset();
}

ChatPreset ChatSettings::current(const QString& name) const {
    return {name, systemPrompt(), sampling()};
}

void ChatSettings::markPreset() {
    int index = 0;
    for (qsizetype i = 0; i < known_.size(); ++i) {
        if (known_[i] == current(known_[i].name))
            index = static_cast<int>(i) + 1;
    }
    presets_->setCurrentIndex(index);
    remove_->setEnabled(index > builtIn_);
}

void ChatSettings::askForName() {
    bool isGiven = false;
    const QString name = QInputDialog::getText(
        this, tr("Keep as a preset"), tr("Name of the preset. One of the same name is replaced."),
        QLineEdit::Normal, {}, &isGiven);
    if (isGiven)
        savePreset(name);
}

void ChatSettings::savePreset(const QString& name) {
    const QString plain = name.simplified();
    if (!plain.isEmpty())
        Q_EMIT presetSaved(current(plain));
}

} // namespace caldera::studio
