import { Alert, Button, Checkbox, Group, Modal, NumberInput, Stack, Text, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, post, put, stationPath, STATIONS, useChange, type Station } from '../../../api'
import { IconAlert, ProblemAlert } from '../../../design'
import { missingEvse, placesOf, type Layout } from './places'
import css from './quirks.module.css'

interface Props {
  title: string
  initial: Layout
  /** Whose map it is; without one it is for a model. */
  station?: Station
  vendor?: string
  model?: string
  note?: string
  onClose: () => void
}

export function MapDialog({ title, initial, station, onClose, ...rest }: Props) {
  const { t } = useTranslation()
  const [layout, setLayout] = useState<Layout>(initial)
  const [forModel, setForModel] = useState(station === undefined)
  const [vendor, setVendor] = useState(rest.vendor ?? station?.vendor ?? '')
  const [model, setModel] = useState(rest.model ?? station?.model ?? '')
  const [note, setNote] = useState(rest.note ?? '')
  const save = useChange(
    (places: object) => (forModel || !station ? post('/connector-maps', { vendor, model, note, places }) : put(`${stationPath(station.id)}/connector-map`, { places })),
    [STATIONS, '/connector-maps'],
  )
  const errors = save.problem ? fieldErrors(save.problem) : {}
  const hole = missingEvse(layout)
  const submit = (e: FormEvent) => {
    e.preventDefault()
    save.run(placesOf(layout)).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={title} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Count layout={layout} set={setLayout} />
          <Editor layout={layout} set={setLayout} />
          {hole !== undefined && (
            <Text size="sm" c="red">
              {t('quirk.hole', { n: hole })}
            </Text>
          )}
          {station && <Checkbox label={t('quirk.forModel')} description={t('quirk.forModelHint')} checked={forModel} onChange={(e) => setForModel(e.currentTarget.checked)} />}
          {forModel && (
            <>
              <Group grow align="flex-start">
                <TextInput label={t('station.field.vendor')} value={vendor} onChange={(e) => setVendor(e.currentTarget.value)} error={errors.vendor} required />
                <TextInput label={t('station.field.model')} description={t('quirk.pattern')} inputWrapperOrder={['label', 'input', 'description', 'error']} value={model} onChange={(e) => setModel(e.currentTarget.value)} error={errors.model} required />
              </Group>
              <TextInput label={t('quirk.note')} value={note} onChange={(e) => setNote(e.currentTarget.value)} error={errors.note} />
            </>
          )}
          {!forModel && (
            <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
              {t('quirk.mapEffect')}
            </Alert>
          )}
          <ProblemAlert problem={save.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={save.busy} disabled={hole !== undefined} data-testid="map-save">
              {t('design.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

const MOST = 64

/** How many connectors there are, and the two usual ways they belong together. */
function Count({ layout, set }: { layout: Layout; set: (l: Layout) => void }) {
  const { t } = useTranslation()
  const resize = (n: number) => set(Array.from({ length: n }, (_, i) => layout[i] ?? Math.max(0, ...layout) + i - layout.length + 1))
  return (
    <Group align="flex-end" gap={8}>
      <NumberInput label={t('quirk.connectors')} value={layout.length} onChange={(v) => typeof v === 'number' && v >= 1 && v <= MOST && resize(v)} min={1} max={MOST} allowDecimal={false} w={150} />
      <Button variant="default" onClick={() => set(layout.map((_, i) => i + 1))}>
        {t('quirk.oneEach')}
      </Button>
      <Button variant="default" onClick={() => set(layout.map(() => 1))}>
        {t('quirk.allOne')}
      </Button>
    </Group>
  )
}

function Editor({ layout, set }: { layout: Layout; set: (l: Layout) => void }) {
  const { t } = useTranslation()
  return (
    <div className={css.map}>
      {layout.map((evse, i) => (
        <NumberInput
          key={i}
          label={t('quirk.portOf', { n: i + 1 })}
          value={evse}
          onChange={(v) => typeof v === 'number' && set(layout.map((x, at) => (at === i ? v : x)))}
          min={1}
          max={layout.length}
          allowDecimal={false}
        />
      ))}
    </div>
  )
}
