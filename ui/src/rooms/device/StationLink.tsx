import { Select, type SelectProps } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useFleet } from '../../api'

/** A station's id as a way to its page, or to one of its tabs. */
export function StationLink({ station, tab }: { station: string; tab?: string }) {
  return (
    <Link to="/stations/$stationId/{-$tab}" params={{ stationId: station, tab }} className="link">
      {station}
    </Link>
  )
}

/** One of the stations the user may see. */
export function StationSelect(props: Omit<SelectProps, 'data'>) {
  const { t } = useTranslation()
  const { rows } = useFleet()
  const data = (rows ?? []).map((s) => ({ value: s.id, label: [s.id, s.name, s.vendor, s.model].filter(Boolean).join(' · ') }))
  return <Select label={t('device.station')} searchable limit={100} {...props} data={data} />
}
