// Pixels of a page as it is seen, and how far colours stand from each other.
import type { Page } from 'playwright-core';

/** Red, green and blue. */
export type Colour = readonly [number, number, number];

/** The pixels of a part of the page, line by line. */
export async function pixels(
  page: Page,
  clip: { readonly x: number; readonly y: number; readonly width: number; readonly height: number },
): Promise<Colour[]> {
  const png = (await page.screenshot({ clip })).toString('base64');
  // The page's own policy may allow no such picture; an empty page has none.
  const reader = await page.context().newPage();
  try {
    return await reader.evaluate(async (data) => {
      const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${data}`)).blob());
      const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
      if (context === null) throw new Error('no canvas');
      context.drawImage(picture, 0, 0);
      const bytes = context.getImageData(0, 0, picture.width, picture.height).data;
      return Array.from(
        { length: bytes.length / 4 },
        (_, index): Colour => [bytes[index * 4] ?? 0, bytes[index * 4 + 1] ?? 0, bytes[index * 4 + 2] ?? 0],
      );
    }, png);
  } finally {
    await reader.close();
  }
}

/** Contrast of two colours as WCAG 2 counts it: 1 is none, 21 is black on white. */
export function contrast(one: Colour, other: Colour): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: Colour): number {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
