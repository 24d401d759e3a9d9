import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemAlert, type ProblemLike } from './States'

interface Question {
  title: string
  /** What is lost by it. */
  text?: ReactNode
  /** What the button says: the deed, not "OK". */
  action: string
  /** A deed that takes nothing away is not red. */
  harmless?: boolean
  run: () => Promise<unknown>
}

/** Asks before something is taken away. The dialog stays, with the reason, where the deed is refused. */
export function useConfirm() {
  const [question, setQuestion] = useState<Question>()
  return {
    ask: setQuestion,
    dialog: question && <Confirm question={question} onClose={() => setQuestion(undefined)} />,
  }
}

function Confirm({ question: q, onClose }: { question: Question; onClose: () => void }) {
  const { t } = useTranslation()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ProblemLike>()
  const run = async () => {
    setBusy(true)
    try {
      await q.run()
      onClose()
    } catch (e) {
      setProblem(e as ProblemLike)
      setBusy(false)
    }
  }
  return (
    <Modal opened onClose={onClose} title={q.title} data-testid="confirm">
      <Stack>
        {q.text && (
          <Text size="sm" component="div" style={{ overflowWrap: 'anywhere' }}>
            {q.text}
          </Text>
        )}
        <ProblemAlert problem={problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} data-autofocus>
            {t('design.cancel')}
          </Button>
          <Button color={q.harmless ? undefined : 'red'} loading={busy} onClick={() => void run()} data-testid="confirm-yes">
            {q.action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
