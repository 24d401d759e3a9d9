import { Button, PasswordInput, Stack, TextInput, Title } from '@mantine/core'
import { useEffect, useState, type FormEvent, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem, useSignIn, type Problem } from '../../api'
import { ProblemAlert } from '../../design'
import css from './identity.module.css'

/** preferences: the language and light/dark switches, which belong to the shell. */
export function SignInPage({ preferences }: { preferences: ReactNode }) {
  const { t } = useTranslation()
  const signIn = useSignIn()
  const [email, setEmail] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  useEffect(() => {
    document.title = `${t('identity.signIn')} · Forecourt`
  }, [t])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    setBusy(true)
    setProblem(undefined)
    signIn(email.trim(), password).catch((x: unknown) => {
      setProblem(asProblem(x))
      setBusy(false)
    })
  }
  return (
    <main className={css.signIn}>
      <div className={css.preferences}>{preferences}</div>
      <div className={css.box}>
        <img src="/favicon.svg" alt="" width={44} height={44} />
        <Title order={1}>{t('identity.welcome')}</Title>
        <p>{t('identity.welcomeHint')}</p>
        <form onSubmit={submit}>
          <Stack gap="md">
            <TextInput
              type="email"
              label={t('identity.field.email')}
              value={email}
              onChange={(e) => setEmail(e.currentTarget.value)}
              autoComplete="username"
              size="md"
              required
              withAsterisk={false}
              autoFocus
              name="email"
            />
            <PasswordInput
              label={t('identity.field.password')}
              value={password}
              onChange={(e) => setPassword(e.currentTarget.value)}
              autoComplete="current-password"
              size="md"
              required
              withAsterisk={false}
              name="password"
            />
            <ProblemAlert problem={problem} />
            <Button type="submit" size="md" loading={busy} fullWidth data-testid="sign-in">
              {t('identity.signIn')}
            </Button>
          </Stack>
        </form>
      </div>
    </main>
  )
}
