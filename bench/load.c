/*
 * load: fills a network namespace of its own with listeners, and stays until its standard input ends.
 *
 *   load HOLDERS LISTENERS IDLE FDS PORT
 *
 * HOLDERS processes with LISTENERS listening sockets each, in the middle (by age) of IDLE processes with FDS
 * descriptors each. PORT is the last listener of the middle holder; the others take 10000 and up, each holder
 * on a loopback address of its own. Prints "ready PID", PID being the one that holds PORT. All processes die
 * with this one, and this one dies with its parent. Root makes the namespace as it is; anybody else needs a
 * user namespace around it, which is made where the kernel lets them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_PORT 10000

#define MOST_PROCESSES 4096

static int ready_read, ready_write, started;
static pid_t children[MOST_PROCESSES];

static int number(const char *text) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*text == 0 || *end != 0 || value < 0 || value > 1000000) errx(2, "not a usable number: %s", text);
  return (int)value;
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) err(1, "%s", path);
  close(fd);
}

static void enter_namespace(void) {
  if (unshare(CLONE_NEWNET) == 0) return;
  unsigned uid = geteuid(), gid = getegid();
  char map[32];
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) err(1, "no network namespace (neither root nor unshare -Urn)");
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %u 1", uid);
  write_file("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "0 %u 1", gid);
  write_file("/proc/self/gid_map", map);
}

/* Nothing can be bound to 127.x in a new namespace before its loopback is up. */
static void raise_loopback(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0) err(1, "loopback");
  close(fd);
}

static void allow_files(rlim_t count) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) err(1, "RLIMIT_NOFILE");
  if (limit.rlim_cur >= count) return;
  rlim_t had = limit.rlim_max;
  limit.rlim_cur = count;
  if (limit.rlim_max < count) limit.rlim_max = count;
  if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
    errx(1, "one process needs %llu open files, its limit is %llu", (unsigned long long)count, (unsigned long long)had);
}

static void listen_on(unsigned address, int port) {
  struct sockaddr_in name = {
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr = {htonl(address)}};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) < 0 || listen(fd, 1) < 0) err(1, "port %d", port);
}

/* In the child: dies with its parent, keeps nothing open but the way to say that it is ready (descriptor 0). */
static pid_t child(const char *name) {
  pid_t parent = getpid(), pid = fork();
  if (pid < 0) err(1, "fork");
  if (pid > 0) return children[started++] = pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  prctl(PR_SET_NAME, name);
  signal(SIGCHLD, SIG_DFL);
  if (dup2(ready_write, 0) < 0) err(1, "dup2");
  close(1);
  /* The two ends of the pipe, and whatever whoever started the load left open. */
  for (int fd = 3; fd < 64; fd++) close(fd);
  return 0;
}

static void wait_for_ever(void) {
  close(2);
  if (write(0, "", 1) != 1) _exit(1);
  for (;;) pause();
}

static void idle(int count, int fds) {
  for (int i = 0; i < count; i++) {
    if (child("bench-idle") != 0) continue;
    /* The first is the way to say ready; standard error is closed at the end. */
    for (int n = 1; n < fds; n++)
      if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0) err(1, "/dev/null");
    wait_for_ever();
  }
}

static void child_died(int signal_number) {
  (void)signal_number;
  static const char text[] = "load: a process ended too early\n";
  if (write(2, text, sizeof text - 1) < 0) _exit(2);
  _exit(1);
}

int main(int count, char **args) {
  if (count != 6) errx(2, "usage: load HOLDERS LISTENERS IDLE FDS PORT");
  int holders = number(args[1]), listeners = number(args[2]), idlers = number(args[3]), fds = number(args[4]);
  int port = number(args[5]);
  if (holders + idlers > MOST_PROCESSES) errx(2, "more than %d processes", MOST_PROCESSES);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  enter_namespace();
  raise_loopback();
  allow_files((rlim_t)listeners + 16);
  int ready[2];
  if (pipe(ready) < 0) err(1, "pipe");
  ready_read = ready[0];
  ready_write = ready[1];
  signal(SIGCHLD, child_died);

  pid_t target = 0;
  idle(idlers / 2, fds);
  for (int h = 0; h < holders; h++) {
    pid_t pid = child("bench-holder");
    if (h == holders / 2) target = pid;
    if (pid != 0) continue;
    for (int i = 0; i < listeners; i++)
      listen_on(0x7f000001u + ((unsigned)h << 8), h == holders / 2 && i == listeners - 1 ? port : FIRST_PORT + i);
    wait_for_ever();
  }
  idle(idlers - idlers / 2, fds);

  char byte;
  for (int i = 0; i < holders + idlers; i++)
    if (read(ready_read, &byte, 1) != 1) err(1, "waiting for the processes");
  printf("ready %d\n", (int)target);
  fflush(stdout);
  while (read(0, &byte, 1) > 0) continue;

  /* Waits for all to be gone, so that what is measured next is not disturbed by their ends. */
  signal(SIGCHLD, SIG_DFL);
  for (int i = 0; i < started; i++) kill(children[i], SIGKILL);
  while (wait(NULL) > 0) continue;
  return 0;
}
