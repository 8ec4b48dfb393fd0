// Plays RunPod's API v2 over real sockets: pods, volumes, billing by the second, and every trouble.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

namespace httplib {
class Server;
struct Request;
struct Response;
} // namespace httplib

namespace caldera::test {

/// What goes wrong with the next requests that match.
struct Trouble {
    std::string verb;      ///< "POST"
    std::string path;      ///< a regular expression over the whole path, "/v2/pods"
    int times = 1;         ///< how many requests
    int status = 0;        ///< answered instead of carrying the request out; 0: carried out
    std::string body = {}; ///< of that answer; empty: a problem document
    std::map<std::string, std::string> headers = {};
    bool dropAnswer = false; ///< carried out, then the connection breaks in the answer
    int delay = 0;           ///< milliseconds before anything happens
};

struct FakePod {
    nlohmann::json json; ///< as the API shows it
    int looks = 0;       ///< GETs since it was started
    double started = 0;  ///< seconds of the server's clock; negative: not running
    double spent = 0;    ///< dollars of former runs
};

/// Listens on loopback from construction on. All members may be called from any thread.
class FakeRunpod {
public:
    explicit FakeRunpod(std::string key = "rpa_fake_key_0123456789");
    ~FakeRunpod();
    FakeRunpod(const FakeRunpod&) = delete;
    FakeRunpod& operator=(const FakeRunpod&) = delete;

    std::string url() const; ///< "http://127.0.0.1:PORT/v2"
    const std::string& key() const { return key_; }

    void cause(Trouble trouble);
    /// Lets this much time pass for clock and billing.
    void advance(double seconds);
    /// Pods stay PROVISIONING for good.
    void hangProvisioning(bool hang);
    /// What pods cost when they are made, whatever the catalogue says; 0: as the catalogue.
    void setRealPrice(double price);
    /// Tells no price of any pod; they cost as before.
    void hidePrices();
    /// Hears the body of each request that makes a pod, on the server's thread.
    void onCreation(std::function<void(const nlohmann::json&)> hear);
    /// Where a running pod is reached.
    void setSsh(const std::string& host, int port, const std::string& user);
    void setStock(const std::string& gpu, bool present);
    /// Whether "stop" is among a running pod's actions.
    void allowStop(bool allow);
    /// A pod from outside of the API.
    std::string addPod(const std::string& name);
    void mountVolume(const std::string& id);
    void setStatus(const std::string& id, const std::string& status);

    /// "VERB path" of every request so far.
    std::vector<std::string> requests() const;
    int count(const std::string& request) const;
    nlohmann::json lastCreation() const;
    /// Status by id; pods that were given back are not among them.
    std::map<std::string, std::string> pods() const;
    /// How many pods cost money at the same time, at most so far.
    int mostAtOnce() const;
    std::vector<std::string> costly() const; ///< ids of pods that cost money now
    double spent() const;                    ///< dollars, over all pods that ever were

private:
    bool trouble(const httplib::Request& request, httplib::Response& response, bool& drop);
    void serve(const httplib::Request& request, httplib::Response& response);
    void answer(const httplib::Request& request, httplib::Response& response);
    void answerPod(const httplib::Request& request, httplib::Response& response,
                   const std::string& id, const std::string& rest);
    void act(const std::string& action, const std::string& id, httplib::Response& response);
    std::string create(const nlohmann::json& body, httplib::Response& response);
    FakePod& make(const std::string& name, double price);
    nlohmann::json shown(FakePod& pod, bool look);
    void endRun(FakePod& pod);
    double now() const;
    static void problem(httplib::Response& response, int status, const std::string& detail);
    std::string date(double seconds) const;

    std::string key_;
    std::unique_ptr<httplib::Server> server_;
    std::thread thread_;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::list<Trouble> troubles_;
    std::vector<std::string> requests_;
    std::map<std::string, FakePod> pods_;
    nlohmann::json offers_;
    nlohmann::json lastCreation_;
    std::function<void(const nlohmann::json&)> hear_;
    double skipped_ = 0;
    double spentBefore_ = 0; ///< by pods that are no more
    double realPrice_ = 0;
    int made_ = 0;
    int mostAtOnce_ = 0;
    bool hang_ = false;
    bool allowStop_ = true;
    bool hidesPrices_ = false;
    nlohmann::json ssh_;
};

} // namespace caldera::test
