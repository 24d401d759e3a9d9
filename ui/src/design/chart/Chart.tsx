import { Skeleton } from '@mantine/core'
import { lazy, Suspense } from 'react'
import type { ChartProps } from './types'

const Plot = lazy(() => import('./Plot'))

/** A chart over time; its library loads when the first one is shown. */
export function Chart(props: ChartProps) {
  return (
    <Suspense fallback={<Skeleton height={props.height ?? 220} />}>
      <Plot {...props} />
    </Suspense>
  )
}
