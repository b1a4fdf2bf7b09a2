/*
 * timed: runs one command inside a load's namespaces and tells what it cost.
 *
 *   timed PID whole|first-byte COMMAND [ARGUMENT...]
 *
 * PID is a process of the load. The command writes into memory, so that no reader and no disk is measured with it;
 * when it has ended its output is passed on, and descriptor 3 gets one line: exit code (128 + signal when killed),
 * wall nanoseconds from fork to end, CPU microseconds (user + system), peak of resident memory in KiB (ru_maxrss),
 * bytes of output, and wall nanoseconds until the first of them was there. The last is looked for every millisecond,
 * with first-byte alone, and 0 where there was none. SIGTERM ends the command.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t command;

static void end_command(int signal_number) {
  (void)signal_number;
  if (command > 0) kill(command, SIGKILL);
  else _exit(125);
}

static void join(const char *pid, const char *name, int kind) {
  char path[64], own_path[64];
  struct stat theirs, ours;
  snprintf(path, sizeof path, "/proc/%s/ns/%s", pid, name);
  snprintf(own_path, sizeof own_path, "/proc/self/ns/%s", name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &theirs) < 0 || stat(own_path, &ours) < 0) err(125, "%s", path);
  if (theirs.st_ino != ours.st_ino && setns(fd, kind) < 0) err(125, "%s", path);
  close(fd);
}

static int memory(const char *name) {
  int fd = memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) err(125, "memfd");
  return fd;
}

static off_t size_of(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0) err(125, "memfd");
  return status.st_size;
}

static void pass_on(int from, int to) {
  off_t at = 0, size = size_of(from);
  while (at < size)
    if (sendfile(to, from, &at, (size_t)(size - at)) < 0) err(125, "passing the output on");
}

static long long nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* When `out` got its first byte, or 0 where `pid` ended before; leaves the end of `pid` to be waited for. */
static long long await_first_byte(pid_t pid, int out) {
  siginfo_t info = {.si_pid = 0};
  while (size_of(out) == 0) {
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0) err(125, "waitid");
    if (info.si_pid != 0) return 0;
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return nanoseconds();
}

int main(int count, char **args) {
  if (count < 4) errx(125, "usage: timed PID whole|first-byte COMMAND [ARGUMENT...]");
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  join(args[1], "user", CLONE_NEWUSER);
  join(args[1], "net", CLONE_NEWNET);
  int out = memory("out"), errors = memory("err"), nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || fcntl(3, F_SETFD, FD_CLOEXEC) < 0) err(125, "descriptors");

  struct sigaction ending = {.sa_handler = end_command, .sa_flags = SA_RESTART};
  sigaction(SIGTERM, &ending, NULL);
  long long start = nanoseconds();
  pid_t pid = fork();
  if (pid < 0) err(125, "fork");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(nothing, 0);
    dup2(out, 1);
    dup2(errors, 2);
    execv(args[3], args + 3);
    err(127, "%s", args[3]);
  }
  command = pid;
  long long first = strcmp(args[2], "first-byte") == 0 ? await_first_byte(pid, out) : 0;
  int status;
  struct rusage usage;
  if (wait4(pid, &status, 0, &usage) < 0) err(125, "wait4");
  long long wall = nanoseconds() - start;
  long long cpu = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000LL + usage.ru_utime.tv_usec +
                  usage.ru_stime.tv_usec;
  pass_on(out, 1);
  pass_on(errors, 2);
  dprintf(3, "%d %lld %lld %ld %lld %lld\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), wall,
          cpu, usage.ru_maxrss, (long long)size_of(out), first == 0 ? 0 : first - start);
  return 0;
}
