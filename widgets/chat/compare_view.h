// A/B: one question to the open model and to another one, side by side.
#pragma once

#include <QTimer>
#include <QWidget>

#include "widgets/chat/blame_question.h"
#include "widgets/chat/compare_session.h"
#include "widgets/chat/token_text.h"

class QAction;
class QLineEdit;
class QMenu;
class QProgressBar;
class QPushButton;

namespace caldera::studio {

class ChanceTable;
class EngineProcess;
class ErrorBanner;
class ToneLabel;

/// Left what the answer that is followed says, tinted by how far the two models are apart at each
/// token; right the other model's own answer. A token that is pointed at shows what both found
/// likeliest there.
class CompareView : public QWidget {
    Q_OBJECT
public:
    /// `worker`: path of the `caldera` program; empty: JobService::findWorker().
    explicit CompareView(const QString& worker = {}, QWidget* parent = nullptr);
    ~CompareView() override;

    /// The open model: what is judged.
    void setSubject(const CompareSide& subject);
    /// The model that the open one was made from, which is offered first where it is there; empty:
    /// not known.
    void setOriginal(const QString& path);
    /// What it is compared with; a folder or file is asked for otherwise. It gets an engine of its
    /// own; a model that none can load is scored layer by layer.
    void setReference(const QString& path);
    void setReference(const CompareSide& reference);
    void setQuestionSettings(const QString& systemPrompt, const ChatSampling& sampling);
    void ask(const QString& question);
    /// Whether cells of the open model can be blamed: it is an artifact on this machine.
    void setBlamable(bool blamable);
    void stop();

    const CompareSession& session() const { return session_; }
    EngineProcess* engine() const { return engine_; }
    /// Takes the original as the reference; hidden where it is not known.
    QAction* originalAction() const { return originalAction_; }
    TokenText* followed() const { return left_; }
    TokenText* other() const { return right_; }
    ChanceTable* chances() const { return chances_; }
    QString summary() const;
    const ToneLabel* arithmetic() const { return arithmetic_; }
    void chooseToken(qsizetype index);

Q_SIGNALS:
    /// As ChatView::serverUsed.
    void serverUsed(const QUrl& server);
    /// Which cells of the open model moved this token?
    void blameRequested(const caldera::studio::BlameQuestion& question);

protected:
    void showEvent(QShowEvent* event) override;

private:
    QWidget* buildBar();
    QLayout* buildReference(QWidget* bar);
    QLayout* buildQuestion(QWidget* bar);
    QMenu* referenceMenu();
    QWidget* buildColumns();
    QWidget* buildFoot();
    void chooseReference(const QString& title, bool isFile);
    void takeEngine();
    void refresh();
    QString referenceTitle() const;
    QString subjectTitle() const;
    void showAnswers();
    TokenMark markOf(qsizetype place) const;
    void showState();
    QString divergenceText() const;
    void showChances();
    void blame();

    QString worker_;
    CompareSession session_;
    EngineProcess* engine_;
    CompareSide subject_;
    CompareSide reference_;
    ChatRequest request_;
    QString original_;       ///< of the open model; empty: not known, or not there
    QString chosenPath_;     ///< of the reference
    QString scoredInstead_;  ///< the model, should its engine fail; empty: an artifact
    QString waiting_;        ///< question that is asked when the engine is ready
    QTimer refresh_;         ///< while tokens come
    QList<TokenMark> marks_; ///< of the answer that is followed
    qsizetype chosen_ = -1;
    bool blamable_ = false;

    ErrorBanner* banner_;
    ToneLabel* referenceName_ = nullptr;
    QPushButton* choose_ = nullptr;
    QAction* originalAction_ = nullptr;
    QLineEdit* question_ = nullptr;
    QPushButton* ask_ = nullptr;
    QProgressBar* progress_ = nullptr;
    ToneLabel* state_ = nullptr;
    ToneLabel* leftTitle_ = nullptr;
    ToneLabel* rightTitle_ = nullptr;
    TokenText* left_ = nullptr;
    TokenText* right_ = nullptr;
    ToneLabel* summary_ = nullptr;
    ToneLabel* arithmetic_ = nullptr; ///< what the figures were computed with
    ChanceTable* chances_ = nullptr;
    QPushButton* blame_ = nullptr;
};

} // namespace caldera::studio
