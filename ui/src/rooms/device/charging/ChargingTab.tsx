import { Grid } from '../../../design'
import { Composite } from './Composite'
import { Limits } from './Limits'
import { Profiles } from './Profiles'

interface Props {
  station: string
  evses: number[]
  zone?: string
}

/** How much a station may take: what it makes of it all, the profiles in it, and limits from elsewhere. */
export function ChargingTab({ station, evses, zone }: Props) {
  return (
    <Grid>
      <Composite station={station} evses={evses} zone={zone} />
      <Profiles station={station} zone={zone} />
      <Limits station={station} zone={zone} />
    </Grid>
  )
}
