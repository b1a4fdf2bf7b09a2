// Addresses of pages, for a server and for files that may lie anywhere.
import type { Links } from '@portolan/core/web';

/** Folder of what is no page: style, programs, fonts, data of the chart. */
export const ASSET_FOLDER = 'a';

/** Addresses for a server: `/cs/ports/60163`. `base` is where the site is found from outside; null for nowhere. */
export function serverLinks(lang: string, base: string | null): Links {
  const own = (tag: string, path: string): string => (path === '/' ? `/${tag}/` : `/${tag}${path}`);
  return {
    page: (path) => own(lang, path),
    inLanguage: own,
    asset: (name) => `/${ASSET_FOLDER}/${name}`,
    data: (path) => path,
    everyPort: true,
    absolute: (tag, path) => (base === null ? null : `${base}${own(tag, path)}`),
  };
}

/** Where a page lies as a file, from the folder of the export: `cs/ports/60163.html`. */
export function filePath(lang: string, path: string): string {
  return path === '/' ? `${lang}/index.html` : `${lang}${path}.html`;
}

/**
 * Addresses for a file that is shown wherever there is none, and so knows not where it stands: from the root of the host.
 * `root` is where the export lies on it, without a slash at its end.
 */
export function rootedLinks(lang: string, root: string): Links {
  const to = (tag: string, path: string): string => `${root}/${filePath(tag, path)}`;
  return {
    page: (path) => to(lang, path),
    inLanguage: to,
    asset: (name) => `${root}/${ASSET_FOLDER}/${name}`,
    data: (path) => `${root}${path}`,
    everyPort: true,
    absolute: () => null,
  };
}

/**
 * Addresses for files: relative, so that the folder can be put anywhere, opened from a disk, too. `from` is the page that
 * the links stand on.
 */
export function fileLinks(lang: string, from: string, base: string | null): Links {
  const up = '../'.repeat(filePath(lang, from).split('/').length - 1);
  const to = (tag: string, path: string): string => `${up}${filePath(tag, path)}`;
  return {
    page: (path) => to(lang, path),
    inLanguage: to,
    asset: (name) => `${up}${ASSET_FOLDER}/${name}`,
    data: (path) => `${up}${path.slice(1)}`,
    everyPort: true,
    absolute: (tag, path) => (base === null ? null : `${base}/${filePath(tag, path)}`),
  };
}
