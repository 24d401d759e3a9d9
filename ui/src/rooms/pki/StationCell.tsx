import { Link } from '@tanstack/react-router'
import { NONE } from '../../design'

/** To the security of the station that something belongs to. */
export function StationCell({ id }: { id: string | undefined }) {
  if (!id) return <span>{NONE}</span>
  return (
    <Link to="/stations/$stationId/{-$tab}" params={{ stationId: id, tab: 'security' }} className="link">
      {id}
    </Link>
  )
}
