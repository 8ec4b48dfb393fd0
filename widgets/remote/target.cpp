#include "widgets/remote/target.h"

#include <array>
#include <cmath>
#include <set>
#include <utility>

#include <yaml-cpp/yaml.h>

#include "core/base/error.h"
#include "core/base/format_version.h"
#include "core/base/printable.h"

namespace caldera::studio {

using namespace Qt::StringLiterals;

namespace {

constexpr const char* kFormat = "caldera-remote";
constexpr int kMajor = 1;
constexpr qsizetype kLongestFile = 1 << 16;
constexpr size_t kLongestMessage = 200;
constexpr int kHighestPort = 65535;

constexpr std::array<std::pair<TargetKind, const char*>, 4> kKinds{{{TargetKind::Local, "local"},
                                                                    {TargetKind::Ssh, "ssh"},
                                                                    {TargetKind::Slurm, "slurm"},
                                                                    {TargetKind::Pod, "pod"}}};

/// Writes only what differs from the default, always in the same order.
class Writer {
public:
    explicit Writer(YAML::Emitter& out) : out_(out) {}
    void text(const char* key, const QString& value) const {
        if (!value.isEmpty()) {
            out_ << YAML::Key << key << YAML::Value << YAML::DoubleQuoted << value.toStdString();
        }
    }
    void number(const char* key, int value, int usual = 0) const {
        if (value != usual) {
            out_ << YAML::Key << key << YAML::Value << value;
        }
    }
    void list(const char* key, const QStringList& values) const {
        if (values.isEmpty()) {
            return;
        }
        out_ << YAML::Key << key << YAML::Value << YAML::BeginSeq;
        for (const QString& value : values) {
            out_ << YAML::DoubleQuoted << value.toStdString();
        }
        out_ << YAML::EndSeq;
    }

private:
    YAML::Emitter& out_;
};

void writeSsh(const SshEndpoint& ssh, YAML::Emitter& out) {
    const Writer write(out);
    out << YAML::Key << "ssh" << YAML::Value << YAML::BeginMap;
    write.text("host", ssh.host);
    write.number("port", ssh.port);
    write.text("user", ssh.user);
    write.text("identity_file", ssh.identityFile);
    write.list("jump_hosts", ssh.jumpHosts);
    write.list("host_keys", ssh.hostKeys);
    out << YAML::EndMap;
}

void writeSlurm(const SlurmSettings& slurm, YAML::Emitter& out) {
    const Writer write(out);
    out << YAML::Key << "slurm" << YAML::Value << YAML::BeginMap;
    write.text("partition", slurm.partition);
    write.text("account", slurm.account);
    write.text("time_limit", slurm.timeLimit);
    write.text("gpus", slurm.gpus);
    write.number("memory_mib", slurm.memoryMiB);
    write.number("cpus", slurm.cpus);
    write.number("node_ssh_port", slurm.nodeSshPort);
    write.number("shards", slurm.shards, 1);
    write.text("extra_options", slurm.extraOptions);
    out << YAML::EndMap;
}

QString printableText(const std::string& words) {
    return QString::fromStdString(printable(words, kLongestMessage));
}

/// Reads one map, whose keys must all be asked for.
class Reader {
public:
    Reader(const YAML::Node& map, QString origin, QString place)
        : map_(map), origin_(std::move(origin)), place_(std::move(place)) {
        if (!map_.IsMap()) {
            complain(u"a list of names and values was needed"_s);
        }
        std::set<std::string> seen;
        for (const auto& entry : map_) {
            if (!seen.insert(entry.first.Scalar()).second) {
                complain(u"\"%1\" stands there twice"_s.arg(printableText(entry.first.Scalar())));
            }
        }
    }

    /// Of one line.
    QString text(const char* key) {
        const QString value = lines(key);
        if (value.contains(u'\n')) {
            complain(u"%1 holds more than one line"_s.arg(QLatin1StringView(key)));
        }
        return value;
    }
    QString lines(const char* key) {
        const YAML::Node node = find(key);
        if (!node) {
            return {};
        }
        if (!node.IsScalar()) {
            complain(u"%1 needs a text"_s.arg(QLatin1StringView(key)));
        }
        const QString value = QString::fromStdString(node.Scalar());
        for (const QChar letter : value) {
            if (letter.category() == QChar::Other_Control && letter != u'\n') {
                complain(u"%1 holds a control character"_s.arg(QLatin1StringView(key)));
            }
        }
        return value;
    }
    int number(const char* key, int low, int high, int usual) {
        const QString words = text(key);
        if (words.isEmpty()) {
            return usual;
        }
        bool isNumber = false;
        const int value = words.toInt(&isNumber);
        if (!isNumber || value < low || value > high) {
            complain(u"%1 is \"%2\"; a whole number from %3 to %4 was needed"_s
                         .arg(QLatin1StringView(key), words)
                         .arg(low)
                         .arg(high));
        }
        return value;
    }
    QStringList list(const char* key) {
        const YAML::Node node = find(key);
        QStringList values;
        if (node && !node.IsSequence()) {
            complain(u"%1 needs a list"_s.arg(QLatin1StringView(key)));
        }
        for (const YAML::Node& entry : node ? node : YAML::Node(YAML::NodeType::Sequence)) {
            if (!entry.IsScalar()) {
                complain(u"%1 needs a list of texts"_s.arg(QLatin1StringView(key)));
            }
            values.append(QString::fromStdString(entry.Scalar()));
        }
        return values;
    }
    YAML::Node part(const char* key) { return find(key); }
    void finish() const {
        for (const auto& entry : map_) {
            if (!asked_.contains(entry.first.Scalar())) {
                complain(u"\"%1\" is not known here"_s.arg(printableText(entry.first.Scalar())));
            }
        }
    }
    [[noreturn]] void complain(const QString& reason) const {
        const QString where = place_.isEmpty() ? origin_ : origin_ + ", "_L1 + place_;
        throw Error("remote.target",
                    (where + ": "_L1 + reason +
                     ". Mend the file, or remove it and add the target again."_L1)
                        .toStdString(),
                    {{"file", origin_.toStdString()}});
    }

private:
    YAML::Node find(const char* key) {
        asked_.insert(key);
        const YAML::Node& fixed = map_; // operator[] of a changeable node adds the key
        return fixed[key];
    }

    const YAML::Node map_;
    QString origin_;
    QString place_;
    std::set<std::string> asked_;
};

TargetKind readKind(Reader& reader) {
    const std::string word = reader.text("kind").toStdString();
    for (const auto& [kind, name] : kKinds) {
        if (word == name) {
            return kind;
        }
    }
    reader.complain(
        u"kind is \"%1\"; local, ssh, slurm or pod was needed"_s.arg(printableText(word)));
}

SshEndpoint readSsh(Reader reader) {
    SshEndpoint ssh;
    ssh.host = reader.text("host");
    ssh.port = reader.number("port", 0, kHighestPort, 0);
    ssh.user = reader.text("user");
    ssh.identityFile = reader.text("identity_file");
    ssh.jumpHosts = reader.list("jump_hosts");
    ssh.hostKeys = reader.list("host_keys");
    reader.finish();
    return ssh;
}

SlurmSettings readSlurm(Reader reader) {
    constexpr int kMost = 1 << 30;
    SlurmSettings slurm;
    slurm.partition = reader.text("partition");
    slurm.account = reader.text("account");
    slurm.timeLimit = reader.text("time_limit");
    slurm.gpus = reader.text("gpus");
    slurm.memoryMiB = reader.number("memory_mib", 0, kMost, 0);
    slurm.cpus = reader.number("cpus", 0, kMost, 0);
    slurm.nodeSshPort = reader.number("node_ssh_port", 0, kHighestPort, 0);
    slurm.shards = reader.number("shards", 1, 1000, 1);
    slurm.extraOptions = reader.lines("extra_options");
    reader.finish();
    return slurm;
}

void checkFormat(Reader& reader, const QString& origin) {
    const std::string format = reader.text("format").toStdString();
    const FormatFit fit = formatFit(format, kFormat, kMajor);
    if (fit == FormatFit::Newer) {
        throw Error("remote.newer",
                    origin.toStdString() + " has format " + printable(format, kLongestMessage) +
                        ", and this program reads up to " + formatText(kFormat, kMajor) +
                        ". Install a newer Caldera Studio.",
                    {{"file", origin.toStdString()}});
    }
    if (fit == FormatFit::Foreign) {
        reader.complain(
            u"its format is \"%1\"; caldera-remote/1 was needed"_s.arg(printableText(format)));
    }
}

Target readTarget(const YAML::Node& root, const QString& origin) {
    Reader reader(root, origin, {});
    checkFormat(reader, origin);
    Target target;
    target.kind = readKind(reader);
    target.name = reader.text("name");
    target.folder = reader.text("folder");
    target.worker = reader.text("worker");
    target.bundle = reader.text("bundle");
    target.bundleUrl = reader.text("bundle_url");
    if (const YAML::Node ssh = reader.part("ssh")) {
        target.ssh = readSsh(Reader(ssh, origin, u"ssh"_s));
    }
    if (const YAML::Node slurm = reader.part("slurm")) {
        target.slurm = readSlurm(Reader(slurm, origin, u"slurm"_s));
    }
    reader.finish();
    return target;
}

} // namespace

QByteArray targetToYaml(const Target& target) {
    YAML::Emitter out;
    const Writer write(out);
    out << YAML::BeginMap;
    out << YAML::Key << "format" << YAML::Value << formatText(kFormat, kMajor);
    for (const auto& [kind, name] : kKinds) {
        if (kind == target.kind) {
            out << YAML::Key << "kind" << YAML::Value << name;
        }
    }
    write.text("name", target.name);
    write.text("folder", target.folder);
    write.text("worker", target.worker);
    write.text("bundle", target.bundle);
    write.text("bundle_url", target.bundleUrl);
    if (target.ssh != SshEndpoint()) {
        writeSsh(target.ssh, out);
    }
    if (target.slurm != SlurmSettings()) {
        writeSlurm(target.slurm, out);
    }
    out << YAML::EndMap;
    return QByteArray(out.c_str()) + '\n';
}

Target targetFromYaml(const QByteArray& yaml, const QString& origin) {
    try {
        if (yaml.size() > kLongestFile) {
            throw YAML::Exception(YAML::Mark::null_mark(), "it has more than 64 KiB");
        }
        return readTarget(YAML::Load(yaml.toStdString()), origin);
    } catch (const YAML::Exception& error) {
        throw Error("remote.target",
                    origin.toStdString() +
                        " cannot be read as a target: " + printable(error.what(), kLongestMessage) +
                        ". Mend the file, or remove it and add the target again.",
                    {{"file", origin.toStdString()}});
    }
}

} // namespace caldera::studio
