/** Room for the button that opens the rest, its longest name included. */
const MORE = 150

/** How many of the first items stand in a row of the given width; all, where the width is not known. */
export function fitting(widths: number[], room: number): number {
  const total = widths.reduce((sum, w) => sum + w, 0)
  if (room <= 0 || total <= room) return widths.length
  let used = 0
  const n = widths.findIndex((w) => (used += w) > room - MORE)
  return Math.max(1, n)
}
