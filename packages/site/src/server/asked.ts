// Bodies of requests: JSON or a form, a few fields, and nothing else. Their size is limited by the front.
import type { HonoRequest } from 'hono';

/** Fields of a body; null where it is no such thing, with how it was written. */
export type Fields =
  | { readonly kind: 'json' | 'form'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'other' | 'broken' };

/** Reads the body of a request. A form may be sent only where `forms` says so: any page can send one. */
export async function fieldsOf(request: HonoRequest, forms: boolean): Promise<Fields> {
  const [type = ''] = (request.header('content-type') ?? '').toLowerCase().split(';');
  const text = await request.text();
  if (type.trim() === 'application/json') {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'broken' };
      return { kind: 'json', fields: value as Record<string, unknown> };
    } catch {
      return { kind: 'broken' };
    }
  }
  if (forms && type.trim() === 'application/x-www-form-urlencoded') {
    return { kind: 'form', fields: Object.fromEntries(new URLSearchParams(text)) };
  }
  return { kind: 'other' };
}
