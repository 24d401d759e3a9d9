import type { Tone } from '../../../design'

/** Below this a clock is as good as right: messages take time. */
const FINE_S = 10
const BAD_S = 60

/** What a station's clock means to the person looking; skew in seconds, its clock minus ours. */
export function clockTone(skew: number): Tone {
  if (Math.abs(skew) <= FINE_S) return 'good'
  return Math.abs(skew) <= BAD_S ? 'wait' : 'bad'
}
