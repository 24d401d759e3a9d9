export interface Series {
  label: string
  /** One value per time; null is a gap. */
  values: (number | null)[]
  color: string
  kind?: 'line' | 'bars'
  fill?: boolean
  /** Bars at these places are drawn paler: estimated, not measured. */
  pale?: boolean[]
  /** short: for the scale, where there is little room. */
  format: (v: number, short?: boolean) => string
  axis?: 'left' | 'right'
  /** Fixed ends of the scale; the top grows with the values otherwise. */
  max?: number
  /** The top is never below this; 1 unless told. */
  least?: number
}

export interface ChartProps {
  /** What the chart shows, for those who cannot see it. */
  label: string
  /** Milliseconds since 1970, ascending. */
  times: number[]
  series: Series[]
  zone?: string
  height?: number
  /** Half the distance between bars, so that the first and last are drawn whole. */
  barWidthMs?: number
}
