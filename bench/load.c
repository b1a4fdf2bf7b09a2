/*
 * load: fills a network namespace of its own with sockets, and stays until its standard input ends.
 *
 *   load listeners HOLDERS LISTENERS IDLE FDS PORT
 *   load connections PAIRS EACH WAITING PORT
 *
 * listeners: HOLDERS processes with LISTENERS listening sockets each, in the middle (by age) of IDLE processes with
 * FDS descriptors each. PORT is the last listener of the middle holder; the others take 10000 and up, each holder
 * on a loopback address of its own.
 *
 * connections: PAIRS of a server and a client process with EACH established connections between them, every pair on
 * loopback addresses of its own, and WAITING sockets in TIME_WAIT besides. PORT is the local port of the last
 * connection of the middle client; the others take 10000 and up, none of them and no TIME_WAIT takes PORT. TIME_WAIT
 * ends after 60 s (TCP_TIMEWAIT_LEN in the kernel's include/net/tcp.h), so each byte read from standard input makes
 * every one of them anew, out of the same addresses and ports, and is answered with another "ready" line.
 *
 * Prints "ready PID", PID being the one that holds PORT. All processes die with this one, and this one dies with its
 * parent. Root makes the namespace as it is; anybody else needs a user namespace around it, which is made where the
 * kernel lets them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
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
#include <time.h>
#include <unistd.h>

#define FIRST_PORT 10000

/* Where servers listen, below all ports of clients. */
#define SERVER_PORT 9000

/* Ports that sockets in TIME_WAIT take of one address. */
#define WAITING_PORTS 1000

/* Time a server gets to listen before its client gives up. */
#define PATIENCE_MS 10000

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

static struct sockaddr_in name_of(unsigned address, int port) {
  return (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr = {htonl(address)}};
}

static int listen_on(unsigned address, int port, int backlog) {
  struct sockaddr_in name = name_of(address, port);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&name, sizeof name) < 0 || listen(fd, backlog) < 0)
    err(1, "port %d", port);
  return fd;
}

/* The address is bound first, with SO_REUSEADDR: so one in TIME_WAIT can be replaced by a connection just like it. */
static int connect_from(unsigned address, int port, unsigned server) {
  struct sockaddr_in own = name_of(address, port), peer = name_of(server, SERVER_PORT);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      bind(fd, (struct sockaddr *)&own, sizeof own) < 0)
    err(1, "port %d", port);
  for (int waited = 0; connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0; waited++) {
    if (errno != ECONNREFUSED || waited == PATIENCE_MS) err(1, "connecting from port %d", port);
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
  }
  return fd;
}

static int accept_on(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0) err(1, "accept");
  return fd;
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

static pid_t hold_listeners(int holders, int listeners, int port) {
  pid_t target = 0;
  for (int h = 0; h < holders; h++) {
    pid_t pid = child("bench-holder");
    if (h == holders / 2) target = pid;
    if (pid != 0) continue;
    for (int i = 0; i < listeners; i++) {
      int asked = h == holders / 2 && i == listeners - 1;
      listen_on(0x7f000001u + ((unsigned)h << 8), asked ? port : FIRST_PORT + i, 1);
    }
    wait_for_ever();
  }
  return target;
}

static pid_t hold_connections(int pairs, int each, int port) {
  pid_t target = 0;
  for (int p = 0; p < pairs; p++) {
    unsigned server = 0x7f000001u + ((unsigned)p << 8), client = server + 1;
    if (child("bench-server") == 0) {
      int listener = listen_on(server, SERVER_PORT, each);
      for (int i = 0; i < each; i++) accept_on(listener);
      wait_for_ever();
    }
    pid_t pid = child("bench-client");
    if (p == pairs / 2) target = pid;
    if (pid != 0) continue;
    for (int i = 0; i < each; i++)
      connect_from(client, p == pairs / 2 && i == each - 1 ? port : FIRST_PORT + i, server);
    wait_for_ever();
  }
  return target;
}

/* Who closes first is the one that waits: always the client here, whose end has a port of its own. */
static void make_waiting(int count) {
  static const unsigned server = 0x7f010001u, clients = 0x7f020001u;
  static int listener = -1;
  if (listener < 0) listener = listen_on(server, SERVER_PORT, 1);
  for (int i = 0; i < count; i++) {
    int client = connect_from(clients + ((unsigned)(i / WAITING_PORTS) << 8), FIRST_PORT + i % WAITING_PORTS, server);
    int accepted = accept_on(listener);
    close(client);
    close(accepted);
  }
}

/* The kernel keeps no more sockets in TIME_WAIT than net.ipv4.tcp_max_tw_buckets, and says nothing about the rest. */
static void check_waiting(int count) {
  char line[256];
  int waiting = -1;
  FILE *file = fopen("/proc/self/net/sockstat", "re");
  if (file == NULL) err(1, "sockstat");
  while (fgets(line, sizeof line, file) != NULL) sscanf(line, "TCP: inuse %*d orphan %*d tw %d", &waiting);
  fclose(file);
  if (waiting < count) errx(1, "%d sockets in TIME_WAIT instead of %d", waiting, count);
}

static void child_died(int signal_number) {
  (void)signal_number;
  static const char text[] = "load: a process ended too early\n";
  if (write(2, text, sizeof text - 1) < 0) _exit(2);
  _exit(1);
}

static void report_ready(pid_t target) {
  printf("ready %d\n", (int)target);
  fflush(stdout);
}

int main(int count, char **args) {
  int connections = count == 6 && strcmp(args[1], "connections") == 0;
  if (!connections && !(count == 7 && strcmp(args[1], "listeners") == 0))
    errx(2, "usage: load listeners HOLDERS LISTENERS IDLE FDS PORT | load connections PAIRS EACH WAITING PORT");
  int processes = number(args[2]), each = number(args[3]), port = number(args[count - 1]);
  int waiting = connections ? number(args[4]) : 0, idlers = connections ? 0 : number(args[4]);
  int fds = connections ? 0 : number(args[5]);
  if (connections) processes *= 2;
  if (processes + idlers > MOST_PROCESSES) errx(2, "more than %d processes", MOST_PROCESSES);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  enter_namespace();
  raise_loopback();
  allow_files((rlim_t)each + 16);
  int ready[2];
  if (pipe(ready) < 0) err(1, "pipe");
  ready_read = ready[0];
  ready_write = ready[1];
  signal(SIGCHLD, child_died);

  pid_t target = 0;
  if (connections) target = hold_connections(processes / 2, each, port);
  else {
    idle(idlers / 2, fds);
    target = hold_listeners(processes, each, port);
    idle(idlers - idlers / 2, fds);
  }

  char byte;
  for (int i = 0; i < processes + idlers; i++)
    if (read(ready_read, &byte, 1) != 1) err(1, "waiting for the processes");
  do {
    make_waiting(waiting);
    check_waiting(waiting);
    report_ready(target);
  } while (read(0, &byte, 1) > 0);

  /* Waits for all to be gone, so that what is measured next is not disturbed by their ends. */
  signal(SIGCHLD, SIG_DFL);
  for (int i = 0; i < started; i++) kill(children[i], SIGKILL);
  while (wait(NULL) > 0) continue;
  return 0;
}
