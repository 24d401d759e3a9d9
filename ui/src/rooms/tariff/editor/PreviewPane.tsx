import { useTranslation } from 'react-i18next'
import type { Problem, TariffPreview } from '../../../api'
import { Failed, Loading, Panel, Quiet } from '../../../design'
import { HeatMap } from '../page/HeatMap'
import css from '../tariff.module.css'
import type { FieldError } from './types'

interface Props {
  preview: TariffPreview | undefined
  faults: FieldError[]
  problem: Problem | undefined
  retry: () => void
}

/** What the draft means: its sentence, its week, or what is wrong with it. */
export function PreviewPane({ preview, faults, problem, retry }: Props) {
  const { t } = useTranslation()
  const refused = problem?.status === 422
  return (
    <div className={css.aside}>
      <Panel title={t('tariff.edit.means')}>
        <div role="status" aria-live="polite" data-testid="editor-state" data-state={refused ? 'bad' : preview && !problem ? 'good' : 'waiting'}>
          {refused ? (
            <>
              <p className={css.fault}>{t('tariff.edit.refused', { count: faults.length })}</p>
              <ul className={css.list} lang="en">
                {faults.map((x, i) => (
                  <li key={i}>
                    {x.place && <code>{x.place}</code>} {x.message}
                  </li>
                ))}
              </ul>
            </>
          ) : problem ? (
            <Failed problem={problem} retry={retry} />
          ) : preview ? (
            <p className={css.sentence} data-testid="editor-sentence">
              {preview.summary}
            </p>
          ) : (
            <Loading />
          )}
        </div>
      </Panel>
      {preview && !problem && (
        <Panel title={t('tariff.week.title')}>
          <HeatMap week={preview.week} narrow />
        </Panel>
      )}
      {preview && !problem && (
        <Panel title={t('tariff.ocpi.lost')}>
          {preview.lost.length === 0 ? (
            <Quiet good>{t('tariff.ocpi.nothingLost')}</Quiet>
          ) : (
            <ul className={css.list} lang="en">
              {preview.lost.map((l) => (
                <li key={l.path}>{l.text}</li>
              ))}
            </ul>
          )}
        </Panel>
      )}
    </div>
  )
}
