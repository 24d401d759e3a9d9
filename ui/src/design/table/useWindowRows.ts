import { useEffect, useState, type RefObject } from 'react'

/** From this many rows on, only those near the viewport are in the document. */
const WINDOWED_FROM = 150
const OVERSCAN = 20

export interface RowWindow {
  start: number
  end: number
}

/** The rows to draw of a table that scrolls with the page and whose rows are all of one height. */
export function useWindowRows(body: RefObject<HTMLElement | null>, count: number, rowHeight: number): RowWindow {
  const windowed = count >= WINDOWED_FROM
  const [range, setRange] = useState<RowWindow>({ start: 0, end: WINDOWED_FROM })
  useEffect(() => {
    if (!windowed) return
    const measure = () => {
      const top = body.current?.getBoundingClientRect().top ?? 0
      const next = visibleRows(top, window.innerHeight, count, rowHeight)
      setRange((old) => (old.start === next.start && old.end === next.end ? old : next))
    }
    measure()
    addEventListener('scroll', measure, { passive: true, capture: true })
    addEventListener('resize', measure)
    return () => {
      removeEventListener('scroll', measure, { capture: true })
      removeEventListener('resize', measure)
    }
  }, [body, count, rowHeight, windowed])
  return windowed ? range : { start: 0, end: count }
}

/** top is where the first row lies relative to the viewport. Moves in steps, so that scrolling seldom redraws. */
export function visibleRows(top: number, viewport: number, count: number, rowHeight: number): RowWindow {
  const step = OVERSCAN / 2
  const first = Math.floor(Math.floor(-top / rowHeight) / step) * step
  const start = Math.max(0, Math.min(count, first - step))
  const end = Math.max(start, Math.min(count, first + Math.ceil(viewport / rowHeight) + OVERSCAN))
  return { start, end }
}
