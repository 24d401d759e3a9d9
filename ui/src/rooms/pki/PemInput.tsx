import { Button, FileButton, Group, Textarea } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { IconUpload } from '../../design'
import { certificatesIn } from './pem'

const FIRST_LINE = '-----BEGIN CERTIFICATE-----'

interface Props {
  value: string
  onChange: (pem: string) => void
  error?: string
}

/** A certificate as text or out of a file. */
export function PemInput({ value, onChange, error }: Props) {
  const { t } = useTranslation()
  const read = (f: File | null) => void f?.text().then(onChange)
  return (
    <div>
      <Textarea
        label={t('pki.pem')}
        description={t('pki.pemHint')}
        value={value}
        onChange={(e) => onChange(e.currentTarget.value)}
        error={error ?? (value !== '' && certificatesIn(value) !== 1 ? t('pki.onePem') : undefined)}
        placeholder={FIRST_LINE}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 12.5 } }}
        rows={6}
        spellCheck={false}
        required
        data-testid="pem"
      />
      <Group mt={8}>
        <FileButton onChange={read} accept=".pem,.crt,.cer,application/x-pem-file" inputProps={{ 'aria-label': t('pki.pemFile') }}>
          {(props) => (
            <Button {...props} size="xs" variant="default" leftSection={<IconUpload size={15} aria-hidden />}>
              {t('pki.pemFile')}
            </Button>
          )}
        </FileButton>
      </Group>
    </div>
  )
}
