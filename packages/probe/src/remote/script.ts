// The script that another machine's `sh` is given on its standard input. It reads and prints, and does nothing else: no
// file is written there, nothing is installed, and no command of it changes anything.

/** Most bytes of one command line; the rest says nothing that people read. */
const COMMAND_LINE_BYTES = 65_536;

/**
 * The functions, and the first of them called. Each piece of the answer begins with a line of `boundary` and a name. The
 * boundary is spoken by `echo` alone, which every shell has built in: as an argument of a program it would stand in /proc
 * for all to read. All is read whole before any of it runs, and nothing in it may read the rest of the input: /dev/null
 * is in its place.
 *
 * `ls -q` prints no line feeds of file names (POSIX); BusyBox never does and has no `-q`.
 */
export function openingScript(boundary: string): string {
  return `LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
b=${boundary}
m() { echo; echo "$b $1"; }
has() { command -v "$1" >/dev/null 2>&1; }
file() { if [ -e "$2" ]; then m "$1"; cat "$2" 2>/dev/null; fi; }
link() {
  if has readlink; then m "$1"; readlink "$2" 2>/dev/null
  else m "$1.ls"; ls -ldn "$2" 2>/dev/null; fi
}
tables() {
  for t in tcp tcp6 udp udp6; do file "$1/$t" "net/$t"; done
}
part() { ls "-ln$q" "$@" self/ns 2>/dev/null | grep -v ' -> [^s]'; }
descriptors() {
  m "$1"; shift
  n=0; a=
  for p do
    a="$a $p/fd"; n=$((n + 1))
    if [ $n -ge 400 ]; then part $a; n=0; a=; fi
  done
  if [ -n "$a" ]; then part $a; fi
}
round() {
  tables "$1"
  no=; yes=
  for p in [0-9]*; do
    if [ -r "$p/fd" ]; then yes="$yes $p"; elif [ -d "$p" ]; then no="$no $p"; fi
  done
  m "$1/refused"; echo $no
  descriptors "$1/fd" $yes
  m "$1/told"; m "$1/now"
}
chain() {
  c=$1
  i=0
  while [ $i -lt 32 ]; do
    i=$((i + 1)); up=
    while read -r k v w; do
      if [ "$k" = PPid: ]; then up=$v; break; fi
    done 2>/dev/null <"$c/status"
    case $up in '' | 0 | 1 | *[!0-9]*) return ;; esac
    case "$seen " in *" $up "*) return ;; esac
    seen="$seen $up"
    file "$up/stat" "$up/stat"; link "$up/exe" "$up/exe"
    c=$up
  done
}
owners() {
  for p do
    file "$p/stat" "$p/stat"; file "$p/status" "$p/status"; file "$p/cgroup" "$p/cgroup"
    if [ -e "$p/cmdline" ]; then
      m "$p/cmdline"; dd if="$p/cmdline" bs=${COMMAND_LINE_BYTES} count=1 2>/dev/null
    fi
    link "$p/exe" "$p/exe"; link "$p/cwd" "$p/cwd"
    case "$seen " in *" $p "*) ;; *) seen="$seen $p"; chain "$p" ;; esac
  done
  descriptors "again/fd" "$@"
  for p do file "$p/again" "$p/stat"; done
  m told; m now
}
bye() { m end; m over; exit 0; }
linux() {
  cd /proc || return
  q=q; ls -lnq self/ns >/dev/null 2>&1 || q=
  file boot stat; file uptime uptime; file protocols net/protocols; file snmp net/snmp; file one 1/stat
  if [ -d 1 ]; then m first; fi
  m namespaces; ls -Lniq self/net/tcp 1/net/tcp 2>/dev/null || ls -Lni self/net/tcp 1/net/tcp 2>/dev/null
  link pids self/ns/pid; file mapped self/uid_map
  m elf; dd if=self/exe bs=6 count=1 2>/dev/null
  for t in ip_local_port_range ip_local_reserved_ports ip_unprivileged_port_start; do
    file "limits/$t" "sys/net/ipv4/$t"
  done
  round 1
}
other() {
  m sysctl
  for t in net.inet.ip.portrange.first net.inet.ip.portrange.last net.inet.ip.porthifirst net.inet.ip.porthilast \\
    net.inet.ip.anonportmin net.inet.ip.anonportmax; do sysctl "$t" 2>/dev/null; done
  m ss; if [ "$1" = Linux ]; then ss -tuanpe 2>/dev/null; fi
  m netstat
  if [ "$1" = Linux ]; then netstat -tuanpe 2>/dev/null || netstat -tuan 2>/dev/null
  else netstat -anv 2>/dev/null || netstat -an 2>/dev/null; fi
  m lsof; lsof -nP -i -F pcuLftPnT 2>/dev/null
  bye
}
begin() {
  m hello
  m uname; uname -s; uname -r; uname -m
  m uid; id -u
  file passwd /etc/passwd
  if [ -r /proc/net/tcp ] || [ -r /proc/net/udp ]; then linux; else other "$(uname -s)"; fi
}
begin </dev/null
`;
}

/** Asks for the tables and all descriptors once more. */
export function roundLine(round: number): string {
  return `round ${round} </dev/null\n`;
}

/** Asks about processes, and for their descriptors once more. The pids are numbers: nothing else goes back there. */
export function ownersLine(pids: readonly number[]): string {
  return `owners ${pids.map((pid) => pid.toFixed(0)).join(' ')} </dev/null\n`;
}

/** Ends the shell. */
export const LAST_LINE = 'bye </dev/null\n';
