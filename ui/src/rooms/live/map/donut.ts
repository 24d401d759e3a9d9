import { TONES } from '../../../design'

/** Counts per tone out of an image's name; undefined if the name is not one of ours. */
export function parseDonut(name: string): number[] | undefined {
  const [kind, ...rest] = name.split('|')
  const counts = rest.map(Number)
  if (kind !== 'donut' || counts.length !== TONES.length || counts.some((n) => !Number.isFinite(n))) return undefined
  return counts
}

/** Ring sizes grow with the number of ports, slowly. */
export const radiusOf = (total: number) => Math.min(30, 13 + Math.log2(total + 1) * 2.6)

/** A ring divided by state with the number of ports in it, at twice the resolution. */
export function drawDonut(name: string, paint: (name: string) => string): ImageData | undefined {
  const counts = parseDonut(name)
  if (!counts) return undefined
  const total = counts.reduce((a, b) => a + b, 0)
  const r = radiusOf(total) * 2
  const size = Math.ceil(r * 2 + 4)
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const c = canvas.getContext('2d')
  if (!c) return undefined
  const mid = size / 2
  disc(c, mid, r + 1, paint('--card'))
  ring(c, mid, r - r * 0.17, r * 0.3, counts, paint)
  c.fillStyle = paint('--ink')
  c.font = `650 ${Math.round(r * (total > 999 ? 0.5 : 0.66))}px 'Inter Variable', system-ui, sans-serif`
  c.textAlign = 'center'
  c.textBaseline = 'middle'
  c.fillText(total > 9999 ? `${Math.floor(total / 1000)}k` : String(total), mid, mid + r * 0.04)
  return c.getImageData(0, 0, size, size)
}

function disc(c: CanvasRenderingContext2D, mid: number, r: number, color: string) {
  c.fillStyle = color
  c.beginPath()
  c.arc(mid, mid, r, 0, Math.PI * 2)
  c.fill()
}

function ring(c: CanvasRenderingContext2D, mid: number, r: number, width: number, counts: number[], paint: (n: string) => string) {
  const total = counts.reduce((a, b) => a + b, 0) || 1
  let from = -Math.PI / 2
  c.lineWidth = width
  counts.forEach((n, i) => {
    if (n === 0) return
    const to = from + (n / total) * Math.PI * 2
    c.strokeStyle = paint(`--tone-${TONES[i]}`)
    c.beginPath()
    c.arc(mid, mid, r, from, to)
    c.stroke()
    from = to
  })
}
