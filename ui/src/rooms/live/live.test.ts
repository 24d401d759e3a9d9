import { describe, expect, it } from 'vitest'
import { evse, site, station } from '../../testing/things'
import { figures, needingAttention, sitePoints } from './figures'
import { parseDonut, radiusOf } from './map/donut'
import { unwrap } from './map/world'

const charging = station('C', { site: 's', evses: [evse({ status: 'charging', power_w: 7000 }), evse({ id: 2 })] })
const faulted = station('F', { site: 's', evses: [evse({ status: 'faulted' })] })
const gone = station('G', { online: false, status: 'unreachable', evses: [evse({ status: 'unreachable' })] })
const unborn = station('N', { online: false, active: false, status: 'not_activated', evses: [] })
const suspect = station('S', { evses: [evse({ suspect: true })] })
const all = [charging, faulted, gone, unborn, suspect]

it('figures count stations, ports and power', () => {
  expect(figures(all)).toEqual({ stations: 5, online: 3, ports: 5, charging: 1, power_w: 7000, faulted: 1, unreachable: 1 })
})

it('needingAttention puts faults first and leaves out what is not in service', () => {
  expect(needingAttention(all).map((s) => s.id)).toEqual(['F', 'G', 'S'])
})

describe('map', () => {
  const here = site('s', { name: 'Here', latitude: '52.5', longitude: '13.4' })

  it('shows sites that have a place and stations, with their ports by tone', () => {
    const points = sitePoints([here, site('nowhere'), { ...here, id: 'bare' }], all)
    expect(points.features).toHaveLength(1)
    expect(points.features[0]?.geometry.coordinates).toEqual([13.4, 52.5])
    expect(points.features[0]?.properties).toEqual({ id: 's', name: 'Here', good: 1, active: 1, wait: 0, held: 0, bad: 1, idle: 0 })
  })

  it('reads its own picture names only', () => {
    expect(parseDonut('donut|1|2|0|0|0|3')).toEqual([1, 2, 0, 0, 0, 3])
    expect(parseDonut('donut|1|2')).toBeUndefined()
    expect(parseDonut('donut|1|2|x|0|0|3')).toBeUndefined()
    expect(parseDonut('sprite')).toBeUndefined()
    expect(radiusOf(100_000)).toBeLessThanOrEqual(30)
  })

  it('carries outlines on past the date line', () => {
    const line = [[170, 60], [179, 61], [-179, 62], [-170, 63], [-179, 64], [179, 65]]
    unwrap(line)
    expect(line.map((p) => p[0])).toEqual([170, 179, 181, 190, 181, 179])
  })
})
