// A Slurm of its own in a temporary folder: one node, two processors, the loopback alone.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/host/sweep/sweep_processes.h"

using namespace corank;
using namespace corank::test;

namespace {

int free_port() {
  const int file = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(file, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(file, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(file);
  return ntohs(address.sin_port);
}

bool is_installed() {
  for (const std::string program : {"munged", "slurmctld", "slurmd", "sbatch"})
    if (run_program("/bin/sh", {"-c", "PATH=$PATH:/usr/sbin:/sbin command -v " + program})
            .exit_code != 0)
      return false;
  return true;
}

class Slurm {
 public:
  Slurm() {
    const std::string d = folder_.file(".");
    const std::string user = word_of("id -un"), host = word_of("hostname -s");
    for (const char* name : {"state", "spool", "log", "run"})
      folder_.write(std::string(name) + "/.here", "");
    folder_.write(
        "slurm.conf",
        "ClusterName=corank\nSlurmctldHost=localhost(127.0.0.1)\n"
        "SlurmctldPort=" +
            std::to_string(free_port()) + "\nSlurmdPort=" + std::to_string(free_port()) +
            "\nSlurmUser=" + user + "\nSlurmdUser=" + user +
            "\nAuthType=auth/munge\nAuthInfo=socket=" + d +
            "/run/munge.socket\n"
            "CredType=cred/munge\n"
            "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny\n"
            "StateSaveLocation=" +
            d + "/state\nSlurmdSpoolDir=" + d +
            "/spool\n"
            "SlurmctldPidFile=" +
            d +
            "/run/slurmctld.pid\n"
            "SlurmdPidFile=" +
            d +
            "/run/slurmd.pid\n"
            "SlurmctldLogFile=" +
            d +
            "/log/slurmctld.log\n"
            "SlurmdLogFile=" +
            d +
            "/log/slurmd.log\n"
            "MailProg=/bin/true\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n"
            "JobAcctGatherType=jobacct_gather/none\n"
            "AccountingStorageType=accounting_storage/none\nSwitchType=switch/none\n"
            "MpiDefault=none\nSelectType=select/cons_tres\nSelectTypeParameters=CR_Core\n"
            "SchedulerType=sched/backfill\n"
            "SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0,"
            "batch_sched_delay=0\n"
            "ReturnToService=2\nSlurmctldTimeout=30\nSlurmdTimeout=30\nInactiveLimit=0\n"
            "KillWait=2\nMinJobAge=3600\nJobRequeue=1\n"
            "NodeName=localhost NodeAddr=127.0.0.1 NodeHostname=" +
            host +
            " CPUs=2 RealMemory=1000 State=UNKNOWN\n"
            "PartitionName=main Nodes=localhost Default=YES MaxTime=INFINITE State=UP "
            "OverSubscribe=NO\n");
    shell("umask 077; dd if=/dev/urandom of=" + d + "/run/munge.key bs=1024 count=1 status=none");
    shell("chmod 755 " + d + " " + d + "/run; munged --key-file=" + d + "/run/munge.key --socket=" +
          d + "/run/munge.socket --pid-file=" + d + "/run/munged.pid --log-file=" + d +
          "/log/munged.log --seed-file=" + d + "/run/munged.seed");
    start_controller();
    shell("slurmd -f " + conf());
    REQUIRE(wait_until([&] { return word_of("sinfo -h -o %T") == "idle"; }, 30));
  }
  ~Slurm() {
    for (const char* name : {"slurmd", "slurmctld", "munged"})
      if (const pid_t process = process_of(name); process > 0) {
        kill(process, SIGTERM);
        if (!wait_until([&] { return kill(process, 0) != 0; }, 5)) kill(process, SIGKILL);
      }
  }
  Slurm(const Slurm&) = delete;
  Slurm& operator=(const Slurm&) = delete;

  std::map<std::string, std::string> environment() const { return {{"SLURM_CONF", conf()}}; }
  void start_controller() { shell("slurmctld -f " + conf()); }
  void kill_controller() {
    const pid_t process = process_of("slurmctld");
    REQUIRE(process > 0);
    kill(process, SIGKILL);
    REQUIRE(wait_until([&] { return kill(process, 0) != 0; }, 10));
  }
  /// A controller that was killed may have forgotten that a job has started. Where it starts it
  /// again, it takes the node away, and an operator gives it back.
  void resume_node() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_look_) return;
    next_look_ = now + std::chrono::seconds(1);
    if (word_of("sinfo -h -o %T").rfind("drain", 0) == 0)
      say("scontrol update NodeName=localhost State=RESUME");
  }

 private:
  std::string conf() const { return folder_.file("slurm.conf"); }
  ProgramResult say(const std::string& line) const {
    return run_program("/bin/sh", {"-c", "PATH=$PATH:/usr/sbin:/sbin; " + line}, environment(), 60);
  }
  void shell(const std::string& line) const {
    const ProgramResult result = say(line);
    INFO(line << "\n" << result.err);
    REQUIRE(result.exit_code == 0);
  }
  std::string word_of(const std::string& line) const {
    const std::string text = say(line).out;
    return text.substr(0, text.find_first_of(" \n"));
  }
  pid_t process_of(const std::string& name) const {
    return std::atoi(content_of(folder_.file("run/" + name + ".pid")).c_str());
  }

  TemporaryFolder folder_;
  std::chrono::steady_clock::time_point next_look_;
};

}  // namespace

TEST_CASE("on Slurm, whoever is killed, the table is that of one local worker") {
  if (!is_installed()) {
    std::puts("skipped: there is no Slurm here (scripts/setup test installs it)");
    return;
  }
  const TemporaryFolder folder;
  const std::string file = write_small_sweep(folder, "search: {method: all, round: 24}\n"),
                    out = folder.file("out"), alone = folder.file("alone");
  REQUIRE(test::corank({"sweep", file, "--out", alone, "--workers", "1"}).exit_code == 0);
  Slurm slurm;
  const int kills = kills_asked_for();
  int killed = 0;
  int starts = 0;
  for (bool ended = false; !ended;) {
    REQUIRE(++starts <= kills + 1);
    Background driver(
        {CORANK_PROGRAM, "sweep", file, "--out", out, "--on", "slurm", "--workers", "2"},
        slurm.environment());
    for (; killed < kills; ++killed) {
      const std::size_t due = stored_lines(out) + 3;
      const bool came = wait_until([&] {
        if (driver.ended() || stored_lines(out) >= due) return true;
        slurm.resume_node();
        return false;
      });
      if (!came || driver.ended()) break;
      if (killed % 3 == 0) {
        for (const pid_t worker : processes_with({"sweep", "work", out})) kill(worker, SIGKILL);
      } else if (killed % 3 == 1) {
        slurm.kill_controller();
        slurm.start_controller();
      } else {
        ++killed;
        driver.kill_with(SIGKILL);
        break;
      }
    }
    REQUIRE(wait_until([&] {
      if (driver.ended()) return true;
      slurm.resume_node();
      return false;
    }));
    ended = driver.wait() == 0;
  }
  CHECK(killed == kills);
  CHECK(csv_of(folder, out) == csv_of(folder, alone));
}
