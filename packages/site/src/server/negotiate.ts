// Which language a reader gets who has not chosen one (RFC 9110 s12.5.4, RFC 4647 s3.4 look-up).

/** The best of `tags` for an Accept-Language header; the first of them where none fits. */
export function negotiate(header: string | null, tags: readonly string[]): string {
  const wanted = (header ?? '')
    .slice(0, 1000)
    .split(',')
    .map((item) => {
      const [tag = '', ...parameters] = item.trim().toLowerCase().split(';');
      const quality = parameters
        .map((text) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(text)?.[1])
        .find(Boolean);
      return { tag: tag.trim(), quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter(({ tag, quality }) => tag !== '' && quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  for (const { tag } of wanted) {
    for (let part = tag; part !== ''; part = part.slice(0, Math.max(0, part.lastIndexOf('-')))) {
      if (tags.includes(part)) return part;
    }
  }
  return tags[0] ?? 'en';
}
