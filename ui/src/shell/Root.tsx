import { Navigate, useLocation } from '@tanstack/react-router'
import { lazy, Suspense, useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useMe } from '../api'
import { Failed, Loading, LocaleProvider } from '../design'
import { firstPage } from './Nav'
import { LanguageSelect, SchemeSwitch } from './Preferences'
import { suggestLanguage } from './i18n'
import { Shell } from './Shell'

const SignInPage = lazy(() => import('../rooms/identity').then((m) => ({ default: m.SignInPage })))

/** Everything: the sign-in page, or the shell around the page that was asked for. */
export function Root() {
  const { i18n } = useTranslation()
  return (
    <LocaleProvider language={i18n.language}>
      <Gate />
    </LocaleProvider>
  )
}

function Gate() {
  const { me, loading, problem, retry } = useMe()
  const { pathname } = useLocation()
  useEffect(() => {
    void suggestLanguage(me?.language)
  }, [me])
  if (loading) return <Loading />
  if (problem) return <Failed problem={problem} retry={retry} />
  if (!me) {
    return (
      <Suspense fallback={<Loading />}>
        <SignInPage
          preferences={
            <>
              <LanguageSelect />
              <SchemeSwitch />
            </>
          }
        />
      </Suspense>
    )
  }
  if (pathname === '/sign-in') return <Navigate to="/" replace />
  const first = firstPage(me.permissions)
  if (pathname === '/' && first && first !== '/') return <Navigate to={first} replace />
  return <Shell me={me} />
}
