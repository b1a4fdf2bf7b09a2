// A plugin for Vite (5 and newer): says who has the port under “Port 5173 is in use”, and why a strict port cannot be had.
import './register.ts';

/** As much of Vite's logger as is used. */
interface Logger {
  info(message: string, options?: unknown): void;
}

/** As much of Vite's plugins as this one is. */
export interface PortolanPlugin {
  readonly name: 'portolan';
  readonly configResolved: (config: { readonly logger: { info: Logger['info'] } }) => void;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal begin with one
const IN_USE = /^(?:\u001b\[\d+m)*Port (\d{1,5}) is in use\b/;

/** Loggers that are listened to: a server that starts anew resolves its configuration again. */
const KNOWN = new WeakSet<object>();

/**
 * The plugin. Vite goes on to the next port as always; the answer comes when it has been looked at. A strict port that is
 * taken ends Vite, and the answer stands under its error.
 */
export default function portolan(): PortolanPlugin {
  return {
    name: 'portolan',
    configResolved({ logger }) {
      if (KNOWN.has(logger)) return;
      KNOWN.add(logger);
      const info = logger.info.bind(logger);
      logger.info = (message, options) => {
        info(message, options);
        const port = Number(IN_USE.exec(message)?.[1] ?? 0);
        if (port > 0) void tell(port, info);
      };
    },
  };
}

async function tell(port: number, info: (message: string) => void): Promise<void> {
  try {
    const { explainListenError } = await import('portolan');
    const answer = await explainListenError({ code: 'EADDRINUSE', syscall: 'listen', port });
    if (answer !== null) info(`\n${answer.text}\n`);
  } catch {
    // What is said beside Vite's own lines may not end it.
  }
}
