import { Button, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { put, stationPath, STATIONS, useChange, useMay, useOne, type ConnectorMap, type Station } from '../../../api'
import { Facts, Failed, IconEdit, Instant, Loading, Panel, ProblemAlert } from '../../../design'
import { MapDialog } from './MapDialog'
import { describe, layoutOf } from './places'

/** Which port each connector of a 1.6 station is; 1.6 itself cannot tell. */
export function ConnectorMapPanel({ station }: { station: Station }) {
  const { t } = useTranslation()
  const path = `${stationPath(station.id)}/connector-map`
  const { data, loading, problem, retry } = useOne<ConnectorMap>(path)
  const [editing, setEditing] = useState(false)
  const may = useMay('station.write')
  const inherit = useChange(() => put<ConnectorMap>(path, { inherit: true }), [path, STATIONS])
  const actions = may && data && (
    <>
      {data.source === 'station' && (
        <Button size="xs" variant="default" loading={inherit.busy} onClick={() => void inherit.run(undefined).catch(() => undefined)}>
          {t('quirk.inherit')}
        </Button>
      )}
      <Button size="xs" variant="default" leftSection={<IconEdit size={15} aria-hidden />} onClick={() => setEditing(true)} data-testid="edit-map">
        {t('design.edit')}
      </Button>
    </>
  )
  return (
    <Panel title={t('quirk.map')} actions={actions}>
      <Text size="sm" c="dimmed" mb={14} maw="90ch">
        {t('quirk.mapHint')}{' '}
        <Link to="/connector-maps" className="link">
          {t('quirk.modelMaps')}
        </Link>
      </Text>
      {problem && <Failed problem={problem} retry={retry} />}
      {!problem && loading && <Loading />}
      {data && (
        <Facts
          items={[
            [t('quirk.mapSource'), t(`quirk.from.${data.source}`)],
            [t('quirk.portsAndConnectors'), data.places.length > 0 ? describe(data.places) : t('quirk.oneEach')],
            [t('quirk.since'), data.since && <Instant key="s" at={data.since} />],
          ]}
        />
      )}
      <ProblemAlert problem={inherit.problem} />
      {editing && data && (
        <MapDialog
          title={t('quirk.mapOf', { id: station.id })}
          initial={layoutOf(data.places, station.evses.flatMap((e) => e.connectors).length || station.evses.length)}
          station={station}
          onClose={() => setEditing(false)}
        />
      )}
    </Panel>
  )
}
