// Which language and which form a reader gets who has not chosen one (RFC 9110 s12.5, RFC 4647 s3.4 look-up).

/** The best of `tags` for an Accept-Language header; the first of them where none fits. */
export function negotiate(header: string | null, tags: readonly string[]): string {
  const wanted = itemsOf(header)
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  for (const { word } of wanted) {
    for (let part = word; part !== ''; part = part.slice(0, Math.max(0, part.lastIndexOf('-')))) {
      if (tags.includes(part)) return part;
    }
  }
  return tags[0] ?? 'en';
}

/**
 * The best of `types` for an Accept header; the first of them where it tells none apart. Of two that are wanted alike the
 * one that is named more exactly wins, then the one that is named first. Null where none is wanted.
 */
export function preferredType<T extends string>(header: string | null, types: readonly T[]): T | null {
  const items = itemsOf(header ?? '*/*');
  const [best] = types
    .map((type, index) => {
      const ranges = [type, `${type.split('/')[0]}/*`, '*/*'];
      const at = ranges.findIndex((range) => items.some(({ word }) => word === range));
      const place = items.findIndex(({ word }) => word === ranges[at]);
      return { type, index, at, place, quality: items[place]?.quality ?? 0 };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality || a.at - b.at || a.place - b.place || a.index - b.index);
  return best?.type ?? null;
}

/** Items of a list with their quality values, in lower case. */
function itemsOf(header: string | null): { word: string; quality: number }[] {
  return (header ?? '')
    .slice(0, 1000)
    .split(',')
    .map((item) => {
      const [word = '', ...parameters] = item.trim().toLowerCase().split(';');
      const quality = parameters
        .map((text) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(text)?.[1])
        .find(Boolean);
      return { word: word.trim(), quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ word }) => word !== '');
}
