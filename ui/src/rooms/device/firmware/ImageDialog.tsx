import { Button, FileInput, Group, Modal, Progress, SegmentedControl, Stack, Textarea, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { del, post, upload, useChange, useMay, type FirmwareImage } from '../../../api'
import { IconPlus, ProblemAlert } from '../../../design'
import css from '../device.module.css'

const PATH = '/firmware-images'

export function AddImageButton() {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  if (!useMay('firmware.write')) return null
  return (
    <>
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setOpen(true)} data-testid="image-add">
        {t('device.firmware.addImage')}
      </Button>
      {open && <ImageDialog onClose={() => setOpen(false)} />}
    </>
  )
}

const FIELDS = ['version', 'vendor', 'model', 'url', 'sha256', 'signing_certificate', 'signature', 'notes'] as const
type Values = Record<(typeof FIELDS)[number], string>

const filled = (v: Values) => Object.fromEntries(Object.entries(v).filter(([, x]) => x.trim() !== ''))

/** A new image: uploaded here, or lying elsewhere; signed or not. An upload that is refused leaves no half of an image behind. */
function ImageDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation()
  const [values, setValues] = useState(() => Object.fromEntries(FIELDS.map((f) => [f, ''])) as Values)
  const [file, setFile] = useState<File | null>(null)
  const [place, setPlace] = useState('file')
  const [part, setPart] = useState<number>()
  const here = place === 'file'
  const save = useChange(async () => {
    const image = await post<FirmwareImage>(PATH, filled({ ...values, url: here ? '' : values.url }))
    if (!here || !file) return
    setPart(0)
    try {
      await upload<FirmwareImage>(`${PATH}/${encodeURIComponent(image.id)}/content`, file, file.name, setPart)
    } catch (e) {
      await del(`${PATH}/${encodeURIComponent(image.id)}`).catch(() => undefined)
      throw e
    } finally {
      setPart(undefined)
    }
  }, [PATH])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void save.run(undefined).then(onClose, () => undefined)
  }
  const input = (name: keyof Values, more: object = {}) => (
    <TextInput label={t(`device.firmware.field.${name}`)} value={values[name]} onChange={(e) => setValues({ ...values, [name]: e.currentTarget.value })} {...more} />
  )
  return (
    <Modal opened onClose={onClose} size="lg" title={t('device.firmware.addImage')}>
      <form onSubmit={submit}>
        <Stack>
          <div className={css.fields}>
            {input('version', { required: true, description: t('device.firmware.versionHint'), 'data-testid': 'image-version' })}
            {input('vendor', { description: t('device.firmware.patternHint') })}
            {input('model', { description: t('device.firmware.patternHint') })}
          </div>
          <SegmentedControl
            value={place}
            onChange={setPlace}
            aria-label={t('device.firmware.place')}
            data={[
              { value: 'file', label: t('device.firmware.upload') },
              { value: 'url', label: t('device.firmware.byUrl') },
            ]}
          />
          {here ? <FileInput label={t('device.firmware.file')} value={file} onChange={setFile} required clearable data-testid="image-file" /> : input('url', { required: true })}
          {input('sha256', { description: t('device.firmware.sha256Hint') })}
          <Textarea label={t('device.firmware.field.signing_certificate')} description={t('device.firmware.signHint')} value={values.signing_certificate} onChange={(e) => setValues({ ...values, signing_certificate: e.currentTarget.value })} autosize minRows={2} maxRows={8} ff="monospace" />
          {input('signature')}
          {input('notes')}
          {part !== undefined && <Progress value={part * 100} aria-label={t('device.firmware.uploading')} animated />}
          <ProblemAlert problem={save.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={save.busy} disabled={!values.version.trim() || (here ? !file : !values.url.trim())} data-testid="image-save">
              {t('device.firmware.addImage')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
