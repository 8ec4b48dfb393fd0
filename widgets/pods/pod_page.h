// Renting at RunPod: the key, the GPUs with prices, the volume, the limits. A page for dialogs.
#pragma once

#include <functional>
#include <memory>

#include <QPointer>
#include <QWidget>

#include "core/base/error.h"
#include "widgets/pods/pod_settings.h"
#include "widgets/remote/pod_provider.h"
#include "widgets/remote/secret_store.h"

class QComboBox;
class QDoubleSpinBox;
class QLineEdit;
class QTableView;

namespace caldera::studio {

class ErrorBanner;
struct EnvFile;
class FileLine;
class PodOffersModel;
class SecretLine;
class ToneLabel;

class PodPage : public QWidget {
    Q_OBJECT
public:
    /// Makes a provider from a key. Throws Error when the text can be no key.
    using Connect = std::function<std::unique_ptr<PodProvider>(const QString& key)>;

    /// `secrets` must outlive the page. Reads the key at once and shows what can be rented with it.
    PodPage(SecretStore& secrets, Connect connect, QWidget* parent = nullptr);
    ~PodPage() override;

    PodSettings settings() const;
    void setSettings(const PodSettings& settings);
    /// Whether somebody changed what setSettings() showed.
    bool isChanged() const;
    /// Whether a key or token is typed that is not saved.
    bool hasTypedSecret() const;
    /// Whether a pod could be rented with what was chosen.
    bool isComplete() const;
    PodOffersModel* offers() const { return offers_; }
    /// Keeps what the file holds of our secrets; says which lines it could not read.
    void importEnvFile(const QString& path);

Q_SIGNALS:
    void settingsChanged();
    /// A key that the provider accepts is known.
    void keyAccepted(const QString& key);

private:
    QWidget* buildSecrets();
    QWidget* buildOffers();
    QWidget* buildLimits();
    void showHint();
    void chooseEnvFile();
    void takeSecrets(const EnvFile& file, const QString& path);
    void useKey(const QString& key);
    void load(const QString& key);
    void showVolumes(const QList<PodVolume>& volumes);
    void volumeChosen();
    void fail(const Error& error);

    SecretStore& secrets_;
    Connect connect_;
    std::unique_ptr<PodProvider> provider_;
    PodSettings shown_;  ///< before anybody changed it
    PodSettings wanted_; ///< shown as soon as there is a list to choose from
    PodOffersModel* offers_;
    ErrorBanner* banner_;
    int round_ = 0;      ///< of questions to the provider
    int unanswered_ = 0; ///< of them
    SecretLine* key_ = nullptr;
    SecretLine* token_ = nullptr;
    ToneLabel* imported_ = nullptr;
    QTableView* table_ = nullptr;
    QComboBox* volume_ = nullptr;
    ToneLabel* storage_ = nullptr;
    QDoubleSpinBox* ceiling_ = nullptr;
    QDoubleSpinBox* cap_ = nullptr;
    QDoubleSpinBox* idle_ = nullptr;
    FileLine* bundle_ = nullptr;
    QLineEdit* bundleUrl_ = nullptr;
    ToneLabel* hint_ = nullptr;
};

} // namespace caldera::studio
