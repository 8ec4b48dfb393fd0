#include "widgets/model_view/model_view.h"

#include <QDragEnterEvent>
#include <QLabel>
#include <QMimeData>
#include <QPainter>
#include <QPushButton>
#include <QStackedWidget>
#include <QUrl>
#include <QVBoxLayout>

#include "widgets/model_view/facts_page.h"
#include "widgets/model_view/recent_list.h"
#include "widgets/models/recent_items.h"
#include "widgets/models/session.h"
#include "widgets/support/empty_state.h"
#include "widgets/support/error_banner.h"
#include "widgets/support/labels.h"
#include "widgets/theme/icons.h"
#include "widgets/theme/theme.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {
constexpr int kSideWidth = 288;
}

ModelView::ModelView(Session& session, RecentItems& recent, QWidget* parent)
    : QWidget(parent), session_(session), banner_(new ErrorBanner(this)),
      stack_(new QStackedWidget(this)),
      empty_(new EmptyState(u"model"_s, tr("Open a model"),
                            tr("A folder with config.json and safetensors, a GGUF file, or a "
                               "compressed model. Drop it here, or begin with the demo model "
                               "that comes with the studio."),
                            this)),
      facts_(new FactsPage(this)) {
    setAcceptDrops(true);
    empty_->setActionText(tr("Open the demo model"));
    connect(empty_, &EmptyState::triggered, this, &ModelView::openDemoRequested);
    stack_->addWidget(empty_);
    stack_->addWidget(facts_);

    auto* content = new QHBoxLayout;
    content->setSpacing(0);
    content->addWidget(makeSide(recent));
    content->addWidget(new Separator(Qt::Vertical, this));
    content->addWidget(stack_, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(banner_);
    layout->addLayout(content, 1);

    connect(&session_, &Session::opened, this, [this] {
        banner_->clear();
        facts_->showFacts(*session_.facts());
        stack_->setCurrentIndex(1);
    });
}

QWidget* ModelView::makeSide(RecentItems& recent) {
    auto* side = new Surface(Token::Panel, this);
    side->setFixedWidth(kSideWidth);
    auto* folder = new QPushButton(icon(u"folder"_s), tr("Open folder…"), side);
    auto* file = new QPushButton(icon(u"file"_s), tr("Open file…"), side);
    folder->setToolTip(tr("A model folder from Hugging Face, or a compressed model"));
    file->setToolTip(tr("A GGUF file, or a report"));
    connect(folder, &QPushButton::clicked, this, &ModelView::openFolderRequested);
    connect(file, &QPushButton::clicked, this, &ModelView::openFileRequested);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(kSpaceSmall);
    buttons->addWidget(folder, 1);
    buttons->addWidget(file, 1);

    auto* list = new RecentList(recent, side);
    connect(list, &RecentList::openRequested, this, &ModelView::openRequested);
    auto* demo = new QPushButton(icon(u"artifact"_s), tr("Open the demo model"), side);
    demo->setFlat(true);
    demo->setToolTip(tr("A small Qwen2 that comes with the studio; everything can be tried on it "
                        "in a minute"));
    connect(demo, &QPushButton::clicked, this, &ModelView::openDemoRequested);

    auto* none = new ToneLabel(tr("Models that you open appear here."), Token::Secondary, side);
    none->setWordWrap(true);
    const auto showNone = [none, list, &recent] {
        none->setVisible(recent.items().isEmpty());
        list->setVisible(!recent.items().isEmpty());
    };
    connect(&recent, &RecentItems::changed, none, showNone);

    auto* layout = new QVBoxLayout(side);
    layout->setContentsMargins(kSpaceLarge, kSpaceLarge, kSpaceLarge, kSpaceMedium);
    layout->setSpacing(kSpaceMedium);
    layout->addLayout(buttons);
    layout->addSpacing(kSpaceTiny);
    layout->addWidget(sectionLabel(tr("Recent"), side));
    layout->addWidget(none);
    layout->addWidget(list, 1);
    layout->addStretch();
    layout->addWidget(demo);
    showNone();
    return side;
}

void ModelView::dragEnterEvent(QDragEnterEvent* event) {
    const QList<QUrl> urls = event->mimeData()->urls();
    if (urls.size() == 1 && urls.first().isLocalFile()) {
        event->acceptProposedAction();
        setDropping(true);
    }
}

void ModelView::dragLeaveEvent(QDragLeaveEvent*) {
    setDropping(false);
}

void ModelView::dropEvent(QDropEvent* event) {
    setDropping(false);
    event->acceptProposedAction();
    Q_EMIT openRequested(event->mimeData()->urls().first().toLocalFile());
}

void ModelView::setDropping(bool dropping) {
    dropping_ = dropping;
    QWidget::update();
}

void ModelView::paintEvent(QPaintEvent*) {
    if (dropping_) {
        QPainter painter(this);
        painter.setPen(QPen(Theme::current().color(Token::Accent), 2));
        painter.drawRect(rect().adjusted(1, 1, -1, -1));
    }
}

} // namespace caldera::studio
