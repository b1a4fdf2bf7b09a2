// Addresses of pages from one that the server wrote: where pages lie as files, only it knows how they are called.

/** The address of a page from that of another at the same place: `name` stands where the other's own name does. */
export function beside(pattern: string, name: string): string {
  return pattern.replace(/[^/.]+(?=[^/]*$)/, name);
}

/** The address of a port's page; of its thousand where only ports that somebody names have one. */
export function portAddress(
  places: { readonly page: string; readonly thousand: string | null },
  port: number,
  named: boolean,
): string {
  if (named || places.thousand === null) return beside(places.page, String(port));
  return beside(places.thousand, String(Math.floor(port / 1000)));
}
