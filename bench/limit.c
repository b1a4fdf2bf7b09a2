/*
 * limit: what the question costs at least, in bare system calls on one thread, without BPF.
 *
 *   limit all        every TCP and UDP socket of this network namespace with each process that has it open
 *   limit one PORT   the same for one local port
 *
 * Dumps the sockets over NETLINK_SOCK_DIAG, reads every /proc/PID/fd with getdents64 and readlinkat, and prints
 * "PORT PID" for each match. The walk is never cut short: a descriptor can be shared, and the answer is all of
 * its owners. Exits 1 when nothing was found.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

struct socket {
  uint32_t inode;
  uint16_t port;
};

static char batch[1 << 18], processes[1 << 16], descriptors[1 << 16];

/* Sockets by inode: open addressing, at most half full; inode 0 is an empty place. */
static struct socket *table;
static uint32_t places = 1 << 10, used;

static struct socket *place_of(uint32_t inode) {
  uint32_t at = inode * 2654435761u & (places - 1);
  while (table[at].inode != 0 && table[at].inode != inode) at = (at + 1) & (places - 1);
  return &table[at];
}

static void add(struct socket socket) {
  if (used * 2 >= places) {
    struct socket *old = table;
    uint32_t count = places;
    places *= 2;
    used = 0;
    if ((table = calloc(places, sizeof *table)) == NULL) err(2, "memory");
    for (uint32_t i = 0; i < count; i++)
      if (old[i].inode != 0) add(old[i]);
    free(old);
  }
  struct socket *place = place_of(socket.inode);
  if (place->inode == 0) used++;
  *place = socket;
}

static void dump(int netlink, unsigned char family, unsigned char protocol, unsigned short port) {
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 request;
  } message = {
      {sizeof message, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 0, 0},
      {.sdiag_family = family,
       .sdiag_protocol = protocol,
       .idiag_states = ~0u,
       .id = {.idiag_sport = htons(port), .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}}};
  if (send(netlink, &message, sizeof message, 0) < 0) err(2, "sock_diag");
  for (;;) {
    ssize_t got = recv(netlink, batch, sizeof batch, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) err(2, "sock_diag");
    uint32_t left = (uint32_t)got;
    for (struct nlmsghdr *at = (struct nlmsghdr *)batch; NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
      if (at->nlmsg_type == NLMSG_DONE) return;
      if (at->nlmsg_type == NLMSG_ERROR) errx(2, "sock_diag refused the dump");
      const struct inet_diag_msg *socket = NLMSG_DATA(at);
      if (socket->idiag_inode != 0)
        add((struct socket){socket->idiag_inode, ntohs(socket->id.idiag_sport)});
    }
  }
}

/* Prints what one process has of the sockets in the table. */
static int look_into(int proc, const char *pid) {
  char path[32];
  snprintf(path, sizeof path, "%s/fd", pid);
  int folder = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
  if (folder < 0) return 0;
  for (long got; (got = syscall(SYS_getdents64, folder, descriptors, sizeof descriptors)) > 0;) {
    for (long at = 0; at < got;) {
      const struct entry *entry = (const struct entry *)(descriptors + at);
      at += entry->length;
      if (entry->name[0] == '.') continue;
      char link[40];
      ssize_t length = readlinkat(folder, entry->name, link, sizeof link - 1);
      if (length < 10 || memcmp(link, "socket:[", 8) != 0) continue;
      link[length] = 0;
      uint32_t inode = (uint32_t)strtoul(link + 8, NULL, 10);
      const struct socket *socket = place_of(inode);
      if (socket->inode != inode) continue;
      printf("%u %s\n", socket->port, pid);
      found = 1;
    }
  }
  close(folder);
  return found;
}

int main(int count, char **args) {
  int one = count == 3 && strcmp(args[1], "one") == 0;
  if (!one && !(count == 2 && strcmp(args[1], "all") == 0)) errx(2, "usage: limit all | limit one PORT");
  unsigned short port = one ? (unsigned short)strtoul(args[2], NULL, 10) : 0;
  if ((table = calloc(places, sizeof *table)) == NULL) err(2, "memory");
  int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (netlink < 0) err(2, "sock_diag");
  const unsigned char families[] = {AF_INET, AF_INET6}, protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
  for (int p = 0; p < 2; p++)
    for (int f = 0; f < 2; f++) dump(netlink, families[f], protocols[p], port);
  if (used == 0) return 1;

  int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), found = 0;
  if (proc < 0) err(2, "/proc");
  for (long got; (got = syscall(SYS_getdents64, proc, processes, sizeof processes)) > 0;) {
    for (long at = 0; at < got;) {
      const struct entry *entry = (const struct entry *)(processes + at);
      at += entry->length;
      if (entry->name[0] >= '1' && entry->name[0] <= '9') found |= look_into(proc, entry->name);
    }
  }
  return found ? 0 : 1;
}
