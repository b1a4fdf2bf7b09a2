// The loads under which the forecast is tried, each with the parts of the range that it is asked about.
import { accept, bind, close, connect, listen, open, portOf, reset } from './sockets.mjs';

const LOCAL = '127.0.0.1';
const SERVER_PORT = 5000;
const TCP = 1;
const UDP = 2;

/** A server on every loopback address; what is not accepted stays in its queue, without a descriptor. */
function server() {
  const fd = open(TCP, { reuse: true });
  if (!bind(fd, '0.0.0.0', SERVER_PORT) || !listen(fd, 65_535)) throw new Error('no server');
  return fd;
}

/** One of `count` destinations. */
function destination(count, random) {
  const n = Math.floor(random() * count);
  return `127.1.${n >> 8}.${n & 255}`;
}

/** Connections that the client closes first, so that its port waits for a minute. */
function shortLived({ destinations, own = false }) {
  return (random) => {
    const listener = server();
    return {
      step() {
        const client = open(TCP);
        if (own && !bind(client, LOCAL, 0)) throw new Error('no port left');
        connect(client, destination(destinations, random), SERVER_PORT);
        const port = portOf(client);
        const other = accept(listener);
        close(client);
        close(other);
        return [port];
      },
    };
  };
}

/** Things that stay for a time: at each step a new one comes and, once there are enough, a random or the oldest goes. */
function kept({ count, make, end, oldest }) {
  return (random) => {
    const listener = server();
    const all = [];
    const add = () => {
      const fd = make(listener, random);
      all.push(fd);
      return portOf(fd);
    };
    return {
      begin() {
        while (all.length < count) add();
      },
      step() {
        const port = add();
        const at = oldest ? 0 : Math.floor(random() * all.length);
        const [gone] = all.splice(at, 1);
        end(gone);
        return [port];
      },
    };
  };
}

const connection = (destinations) => (_listener, random) => {
  const client = open(TCP);
  connect(client, destination(destinations, random), SERVER_PORT);
  return client;
};

const anyPort = (type, options) => () => {
  const fd = open(type, options);
  if (!bind(fd, LOCAL, 0)) throw new Error('no port left');
  if (type === TCP && !listen(fd, 1)) throw new Error('cannot listen');
  return fd;
};

/** Connections that are reset at once, so that nothing of them stays but the kernel's count. */
function reused({ destinations }) {
  return (random) => {
    const listener = server();
    return {
      step() {
        const client = connection(destinations)(listener, random);
        const port = portOf(client);
        close(accept(listener));
        reset(client);
        return [port];
      },
    };
  };
}

/**
 * `perSecond` steps. `asked` names the parts of the range, as core/decide/forecast.ts does. With `init` the process is
 * the first one of its pid namespace, as in a container, so that the count of opened connections has a beginning.
 */
export const REGIMES = [
  {
    name: 'short connections, 2 destinations',
    perSecond: 40,
    load: shortLived({ destinations: 2 }),
    asked: [
      { transport: 'tcp', cell: 'connect' },
      { transport: 'tcp', cell: 'bindUpper' },
    ],
  },
  {
    name: 'short connections, 1,000 destinations',
    perSecond: 60,
    load: shortLived({ destinations: 1000 }),
    asked: [
      { transport: 'tcp', cell: 'connect' },
      { transport: 'tcp', cell: 'bindLower' },
    ],
  },
  {
    name: 'TIME_WAIT heavy, 1 destination',
    perSecond: 150,
    load: shortLived({ destinations: 1 }),
    asked: [{ transport: 'tcp', cell: 'connect' }],
  },
  {
    name: 'clients that bind an address and port 0',
    perSecond: 20,
    load: shortLived({ destinations: 50, own: true }),
    asked: [
      { transport: 'tcp', cell: 'bindUpper' },
      { transport: 'tcp', cell: 'connect' },
    ],
  },
  {
    name: 'servers on port 0 with SO_REUSEADDR',
    perSecond: 10,
    load: kept({ count: 300, make: anyPort(TCP, { reuse: true }), end: close, oldest: true }),
    asked: [
      { transport: 'tcp', cell: 'bindLower' },
      { transport: 'tcp', cell: 'bindUpper' },
    ],
  },
  {
    name: 'long-lived connections, 200 destinations',
    perSecond: 20,
    load: kept({ count: 5000, make: connection(200), end: reset, oldest: false }),
    asked: [{ transport: 'tcp', cell: 'connect' }],
  },
  {
    name: 'connections that leave nothing, 20 destinations',
    perSecond: 100,
    init: true,
    load: reused({ destinations: 20 }),
    asked: [{ transport: 'tcp', cell: 'connect' }],
  },
  {
    name: 'nearly full, 1 destination',
    perSecond: 5,
    load: kept({ count: 13_900, make: connection(1), end: reset, oldest: false }),
    asked: [{ transport: 'tcp', cell: 'connect' }],
  },
  {
    name: 'over full, 1 destination',
    perSecond: 5,
    load: kept({ count: 15_000, make: connection(1), end: reset, oldest: false }),
    asked: [{ transport: 'tcp', cell: 'bindUpper' }],
  },
  {
    name: 'UDP sockets on port 0',
    perSecond: 100,
    load: kept({ count: 1500, make: anyPort(UDP, {}), end: close, oldest: true }),
    asked: [{ transport: 'udp' }],
  },
];
