#include "widgets/pods/pod_page.h"

#include <QAbstractItemModelTester>
#include <QComboBox>
#include <QFile>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSettings>
#include <QTableView>
#include <QTemporaryDir>

#include "tests/gui/pictures.h"
#include "tests/gui/remote/runpod_fixture.h"
#include "widgets/pods/pod_offers_model.h"
#include "widgets/pods/pod_strip.h"
#include "widgets/support/error_banner.h"

using namespace Qt::Literals::StringLiterals;

namespace caldera::studio {

namespace {

class PodPageTest : public RunpodTest {
protected:
    static void SetUpTestSuite() {
        qputenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus"); // no keyring
    }
    std::unique_ptr<PodPage> page() {
        auto made = std::make_unique<PodPage>(secrets_, [this](const QString& key) {
            return std::make_unique<RunpodProvider>(key, url(), shortPatience());
        });
        made->resize(600, 600);
        made->show();
        return made;
    }
    static bool listed(const PodPage& page) {
        const auto* volume = page.findChild<QComboBox*>();
        return QTest::qWaitFor(
            [&] { return page.offers()->rowCount() == 3 && volume->count() == 2; }, kWaitLimit);
    }
    static void type(PodPage& page, const QString& key) {
        QTest::keyClicks(page.findChild<QLineEdit*>(), key);
        QTest::keyClick(page.findChild<QLineEdit*>(), Qt::Key_Return);
    }
    static void tick(const PodPage& page, int row) {
        page.offers()->setData(page.offers()->index(row, 0), Qt::Checked, Qt::CheckStateRole);
    }

    SecretStore secrets_;
};

} // namespace

TEST_F(PodPageTest, AKeyThatIsTypedBringsTheListsAndStaysHidden) {
    const auto made = page();
    EXPECT_FALSE(made->isComplete());
    auto* field = made->findChild<QLineEdit*>();
    EXPECT_EQ(field->echoMode(), QLineEdit::Password);
    type(*made, key());
    ASSERT_TRUE(listed(*made));
    EXPECT_FALSE(made->isChanged()) << "a volume that nobody chose is no change";
    EXPECT_EQ(field->text(), u""_s);
    EXPECT_EQ(resultOf(secrets_.read(u"RUNPOD_API_KEY"_s)), key());
    tick(*made, 0);
    EXPECT_TRUE(made->isComplete());
    const PodSettings settings = made->settings();
    EXPECT_EQ(settings.gpus, QStringList{u"NVIDIA GeForce RTX 3090"_s}); // the cheapest is first
    EXPECT_EQ(settings.volumeId, u"vol_models"_s);
    EXPECT_EQ(settings.dataCenter, u"EU-RO-1"_s);
}

TEST_F(PodPageTest, AKnownKeyIsUsedAtOnceAndSettingsComeBack) {
    resultOf(secrets_.write(u"RUNPOD_API_KEY"_s, key(), SecretPlace::Session));
    const QTemporaryDir folder;
    QSettings file(folder.filePath(u"a.ini"_s), QSettings::IniFormat);
    PodSettings wanted;
    wanted.gpus = {u"NVIDIA A100 80GB PCIe"_s};
    wanted.volumeId = u"vol_small"_s;
    wanted.ceiling = 2.5;
    wanted.cap = 7;
    wanted.idleMinutes = 30;
    writePodSettings(file, wanted);
    const auto made = page();
    made->setSettings(readPodSettings(file));
    ASSERT_TRUE(listed(*made));
    wanted.dataCenter = u"US-TX-3"_s; // learnt from the volume
    EXPECT_EQ(made->settings(), wanted);
    EXPECT_TRUE(made->isComplete());
}

TEST_F(PodPageTest, ARefusedKeyIsSaid) {
    const auto made = page();
    type(*made, u"rpa_not_the_right_key"_s);
    auto* banner = made->findChild<ErrorBanner*>();
    EXPECT_TRUE(QTest::qWaitFor([&] { return banner->sentence().contains(u"401"_s); }, kWaitLimit));
    EXPECT_FALSE(banner->sentence().contains(u"rpa_not"_s));
    EXPECT_FALSE(made->isComplete());
}

TEST_F(PodPageTest, AProviderThatDoesNotAnswerIsSaidAndAskedAgain) {
    resultOf(secrets_.write(u"RUNPOD_API_KEY"_s, key(), SecretPlace::Session));
    server_.cause({.verb = "GET", .path = "/v2/.*olumes", .times = 4, .status = 503});
    const auto made = page();
    const auto says = [&made](const QString& words) {
        return QTest::qWaitFor(
            [&] {
                const QList<QLabel*> labels = made->findChildren<QLabel*>();
                return std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) {
                    return label->isVisible() && label->text().contains(words);
                });
            },
            kWaitLimit);
    };
    EXPECT_TRUE(says(u"Asking RunPod what can be rented"_s));
    auto* banner = made->findChild<ErrorBanner*>();
    ASSERT_TRUE(QTest::qWaitFor([&] { return banner->isVisible(); }, kWaitLimit));
    QPushButton* again = nullptr;
    for (QPushButton* button : banner->findChildren<QPushButton*>())
        again = button->text() == u"Try again"_s ? button : again;
    ASSERT_NE(again, nullptr);
    again->click();
    EXPECT_TRUE(listed(*made));
    EXPECT_FALSE(banner->isVisible());
}

TEST_F(PodPageTest, SaysThatThereIsNoTokenUntilThereIsOne) {
    const auto made = page();
    const auto state = [&made](const QString& words) {
        return QTest::qWaitFor(
            [&] {
                const QList<QLabel*> labels = made->findChildren<QLabel*>();
                return std::any_of(labels.begin(), labels.end(), [&](const QLabel* label) {
                    return label->wordWrap() && label->text().contains(words);
                });
            },
            kWaitLimit);
    };
    EXPECT_TRUE(state(u"No HF_TOKEN: models that ask for a licence cannot be fetched"_s));
    const QTemporaryDir folder;
    QFile file(folder.filePath(u"a.env"_s));
    ASSERT_TRUE(file.open(QIODevice::WriteOnly));
    file.write("odd-secret\nHF_TOKEN=hf_12345678\n");
    file.close();
    made->importEnvFile(file.fileName());
    EXPECT_TRUE(state(u"a.env gave HF_TOKEN. Not understood and left out: line 1 (no NAME"_s));
    EXPECT_TRUE(state(u"It is kept until the studio ends."_s)) << "there is no keyring here";
    EXPECT_EQ(resultOf(secrets_.read(u"HF_TOKEN"_s)), u"hf_12345678"_s);
}

TEST_F(PodPageTest, NothingAboveTheCeilingIsComplete) {
    resultOf(secrets_.write(u"RUNPOD_API_KEY"_s, key(), SecretPlace::Session));
    const auto made = page();
    ASSERT_TRUE(listed(*made));
    PodSettings settings = made->settings();
    settings.gpus = {u"NVIDIA H100 80GB HBM3"_s};
    settings.ceiling = 3.48;
    made->setSettings(settings);
    EXPECT_FALSE(made->isComplete());
    settings.ceiling = 3.49;
    made->setSettings(settings);
    EXPECT_TRUE(made->isComplete());
}

TEST_F(PodPageTest, LooksRight) {
    resultOf(secrets_.write(u"RUNPOD_API_KEY"_s, key(), SecretPlace::Session));
    server_.setStock("NVIDIA A100 80GB PCIe", false);
    const auto made = page();
    ASSERT_TRUE(listed(*made));
    tick(*made, 0);
    tick(*made, 2);
    for (const SchemeChoice scheme : {SchemeChoice::Dark, SchemeChoice::Light})
        EXPECT_LT(shareOf(picture(*made, u"pod-page"_s, scheme), Qt::black), 0.05);
}

TEST(PodOffersModel, KeepsItsPromisesToViews) {
    PodOffersModel model;
    const QAbstractItemModelTester tester(&model,
                                          QAbstractItemModelTester::FailureReportingMode::Fatal);
    PodOffer dear{u"b"_s, u"B"_s, 80, 3, 8, PodStock::High, {{u"EU"_s, PodStock::High}}};
    PodOffer cheap{u"a"_s, u"A"_s, 24, 1, 8, PodStock::High, {{u"US"_s, PodStock::Low}}};
    model.setOffers({dear, cheap});
    EXPECT_EQ(model.index(0, 0).data().toString(), u"A"_s);
    model.setChosen({u"b"_s, u"gone"_s});
    EXPECT_EQ(model.chosen(), (QStringList{u"b"_s, u"gone"_s}));
    EXPECT_DOUBLE_EQ(model.leastPrice(), 3);
    model.setDataCenter(u"EU"_s);
    EXPECT_FALSE(model.flags(model.index(0, 0)) & Qt::ItemIsEnabled); // not in that centre
    EXPECT_TRUE(model.flags(model.index(1, 0)) & Qt::ItemIsEnabled);
    EXPECT_TRUE(model.setData(model.index(1, 0), Qt::Unchecked, Qt::CheckStateRole));
    EXPECT_EQ(model.chosen(), QStringList{u"gone"_s});
}

class PodStripTest : public RunpodTest {};

TEST_F(PodStripTest, ShowsWhatItCostsAndEndsIt) {
    const QTemporaryDir folder;
    using std::chrono::milliseconds;
    PodService service(folder.path(), {milliseconds(1), milliseconds(5), milliseconds(10),
                                       milliseconds(20), std::chrono::seconds(900)});
    server_.addPod("caldera-elsewhere");
    service.setProvider(std::make_unique<RunpodProvider>(key(), url(), shortPatience()));
    PodStrip strip(service);
    strip.resize(900, 80);
    EXPECT_FALSE(strip.isVisibleTo(nullptr));
    PodRecord record;
    record.jobId = u"job-1"_s;
    record.request = request();
    record.cap = 10;
    PodRental* rental = service.rent(record);
    const auto says = [&strip](const QString& words) {
        return QTest::qWaitFor([&] { return strip.lines().join(u'\n').contains(words); },
                               kWaitLimit);
    };
    ASSERT_TRUE(says(u"running, $1.59 an hour"_s));
    server_.advance(3600);
    ASSERT_TRUE(says(u"$1.59 of $10.00 spent"_s));
    ASSERT_TRUE(says(u"caldera-elsewhere, not rented from this machine: $1.00 an hour"_s));
    strip.show();
    for (const SchemeChoice scheme : {SchemeChoice::Dark, SchemeChoice::Light})
        (void)picture(strip, u"pod-strip"_s, scheme);
    QTest::mouseClick(strip.findChild<QPushButton*>(), Qt::LeftButton);
    ASSERT_TRUE(says(u"its volume costs $21.00 a month"_s));
    EXPECT_EQ(rental->record().phase, PodPhase::Stopped);
    QTest::mouseClick(strip.findChild<QPushButton*>(), Qt::LeftButton); // give back
    ASSERT_TRUE(QTest::qWaitFor([&] { return strip.lines().size() == 1; }, kWaitLimit));
    EXPECT_EQ(server_.pods().size(), 1U);
}

} // namespace caldera::studio
