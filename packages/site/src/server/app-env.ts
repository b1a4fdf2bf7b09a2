// What a request brings along beside itself.
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Types of the application. */
export interface AppEnv {
  readonly Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
}
